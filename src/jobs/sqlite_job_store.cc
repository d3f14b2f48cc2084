#include "jobs/sqlite_job_store.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "drivers/sqlite/sqlite_writer.h"
#include "jobs/callback_tables.h"
#include "jobs/dead_table.h"
#include "jobs/job_tables.h"
#include "jobs/payload_table.h"
#include "jobs/process_lock.h"
#include "jobs/process_table.h"
#include "jobs/sqlite_store_opening.h"
#include "jobs/store_facts.h"
#include "jobs/work_signal.h"

namespace patient_http::jobs {

using sqlite::Database;
using sqlite::SqliteFailure;
using sqlite::SqliteResult;

struct SqliteJobStore::Impl {
  Impl(OpenedStore opened, Log log_to)
      : log(std::move(log_to)),
        path(opened.database.path()),
        lock(std::move(opened.lock)),
        claimant(std::move(opened.claimant)),
        process(claimant.process),
        writer(std::move(opened.database)) {}

  // Runs `step` on the writer thread and gives what it gave, once that is committed.
  template <class T, class Step>
  StoreResult<T> write(Step step) {
    SqliteResult<T> result;
    const auto done = writer.write([&](Database& database) -> SqliteResult<void> {
      result = step(database);
      if (!result) return unexpected(result.error());
      return {};
    });
    if (!done) return unexpected(to_store_failure(done.error()));
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return std::move(*result);
    }
  }

  template <class T, class Step>
  StoreResult<T> read(Step step) {
    SqliteResult<T> result;
    const auto done = writer.read([&](Database& database) -> SqliteResult<void> {
      result = step(database);
      if (!result) return unexpected(result.error());
      return {};
    });
    if (!done) return unexpected(to_store_failure(done.error()));
    return std::move(*result);
  }

  // Tells who waits of what was put into the two queues, and gives the sum.
  StoreResult<std::int64_t> announce(const StoreResult<Moved>& moved);
  Wait wait(WorkSignal& signal, std::string_view any_work,
            std::chrono::steady_clock::time_point deadline);
  StoreResult<std::vector<RegisteredProcess>> others();

  const Log log;
  const std::string path;
  ProcessLock lock;   // the writer thread's, and the destructor's after that
  Claimant claimant;  // the writer thread's; but its name never changes
  const std::int64_t process;
  WorkSignal jobs;
  WorkSignal callbacks;
  sqlite::SqliteWriter writer;  // the last member: its thread ends before what it uses
};

StoreResult<std::int64_t> SqliteJobStore::Impl::announce(const StoreResult<Moved>& moved) {
  if (!moved) return unexpected(moved.error());
  if (moved->jobs > 0) jobs.announce();
  if (moved->callbacks > 0) callbacks.announce();
  return moved->jobs + moved->callbacks;
}

Wait SqliteJobStore::Impl::wait(WorkSignal& signal, std::string_view any_work,
                                std::chrono::steady_clock::time_point deadline) {
  // How late work of another process may be noticed. Looking costs a few microseconds.
  constexpr std::chrono::milliseconds kLookAgain{100};
  for (;;) {
    const WorkSignal::Seen seen = signal.now();
    if (signal.take_wake()) return Wait::kWoken;
    const auto found = read<std::optional<std::int64_t>>(
        [&](Database& database) { return database.integer(any_work); });
    if (!found || *found) return Wait::kWork;
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return Wait::kDeadline;
    switch (signal.wait(seen, std::min(deadline, now + kLookAgain))) {
      case WorkSignal::Event::kWork:
        return Wait::kWork;
      case WorkSignal::Event::kWoken:
        return Wait::kWoken;
      case WorkSignal::Event::kDeadline:
        break;
    }
  }
}

StoreResult<std::vector<RegisteredProcess>> SqliteJobStore::Impl::others() {
  auto processes = read<std::vector<RegisteredProcess>>(
      [](Database& database) { return list_processes(database); });
  if (processes) {
    std::erase_if(*processes,
                  [&](const RegisteredProcess& other) { return other.number == process; });
  }
  return processes;
}

SqliteJobStore::SqliteJobStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SqliteJobStore::~SqliteJobStore() {
  const auto is_gone = impl_->write<bool>(
      [&](Database& database) { return unregister_if_idle(database, impl_->process); });
  impl_->writer.stop();
  if (is_gone && *is_gone) impl_->lock.remove_file();
}

StoreResult<std::unique_ptr<SqliteJobStore>> SqliteJobStore::open(
    const SqliteJobStoreOptions& options) {
  StoreResult<OpenedStore> opened = open_sqlite_store(options);
  if (!opened) return unexpected(std::move(opened.error()));
  return std::unique_ptr<SqliteJobStore>(
      new SqliteJobStore(std::make_unique<Impl>(std::move(*opened), options.log)));
}

const std::string& SqliteJobStore::process_id() const {
  return impl_->claimant.name;
}

StoreResult<void> SqliteJobStore::push(std::span<const NewJob> jobs, std::span<const Note> notes) {
  auto done = impl_->write<void>([&](Database& database) {
    auto pushed = push_jobs(database, jobs);
    return pushed ? keep_notes(database, notes) : pushed;
  });
  if (done) impl_->jobs.announce();
  return done;
}

StoreResult<std::vector<Claim>> SqliteJobStore::claim(std::size_t most) {
  return impl_->write<std::vector<Claim>>(
      [&](Database& database) { return claim_jobs(database, impl_->claimant, most); });
}

StoreResult<Settled> SqliteJobStore::start_suspect(const std::string& claim_id) {
  return impl_->write<Settled>(
      [&](Database& database) { return note_suspect(database, impl_->process, claim_id); });
}

StoreResult<std::vector<ClaimReference>> SqliteJobStore::claims() {
  return impl_->read<std::vector<ClaimReference>>(
      [&](Database& database) { return list_claims(database, impl_->process); });
}

StoreResult<std::vector<Settled>> SqliteJobStore::complete(
    std::span<const Completion> completions) {
  auto settled = impl_->write<std::vector<Settled>>(
      [&](Database& database) { return complete_jobs(database, impl_->process, completions); });
  if (settled) impl_->callbacks.announce();
  return settled;
}

StoreResult<std::vector<Settled>> SqliteJobStore::complete_as(
    const std::string& process_id, std::span<const Completion> completions) {
  const auto others = impl_->others();
  if (!others) return unexpected(others.error());
  const auto other =
      std::find_if(others->begin(), others->end(),
                   [&](const RegisteredProcess& one) { return one.name == process_id; });
  // Not there: its claims were rescued, and no claim is of process 0.
  const std::int64_t number = other != others->end() ? other->number : 0;
  std::optional<ProcessLock> held;  // meanwhile nobody rescues
  if (other != others->end()) {
    auto lock = ProcessLock::take_if_dead(impl_->path, other->token());
    if (!lock) {
      return unexpected(StoreFailure{StoreFailure::Kind::kUnavailable, lock.error().message});
    }
    if (!*lock) {
      return unexpected(
          StoreFailure{StoreFailure::Kind::kInUse, "process " + process_id + " lives"});
    }
    held.emplace(std::move(**lock));
  }
  auto settled = impl_->write<std::vector<Settled>>(
      [&](Database& database) { return complete_jobs(database, number, completions); });
  if (settled) impl_->callbacks.announce();
  return settled;
}

StoreResult<std::vector<Settled>> SqliteJobStore::fail(std::span<const FailedClaim> failed,
                                                       std::chrono::system_clock::time_point now) {
  return impl_->write<std::vector<Settled>>(
      [&](Database& database) { return fail_jobs(database, impl_->process, failed, now); });
}

StoreResult<std::vector<Settled>> SqliteJobStore::release(std::span<const std::string> claim_ids) {
  auto settled = impl_->write<std::vector<Settled>>(
      [&](Database& database) { return release_jobs(database, impl_->process, claim_ids); });
  if (settled) impl_->jobs.announce();
  return settled;
}

StoreResult<std::int64_t> SqliteJobStore::rescue_except(std::span<const std::string> spared,
                                                        std::chrono::system_clock::time_point now) {
  const auto others = impl_->others();
  if (!others) return unexpected(others.error());
  std::vector<ProcessLock> locks;
  std::vector<std::int64_t> dead;
  for (const RegisteredProcess& other : *others) {
    if (std::find(spared.begin(), spared.end(), other.name) != spared.end()) continue;
    auto lock = ProcessLock::take_if_dead(impl_->path, other.token());
    if (!lock) {
      return unexpected(StoreFailure{StoreFailure::Kind::kUnavailable, lock.error().message});
    }
    if (!*lock) continue;
    locks.push_back(std::move(**lock));
    dead.push_back(other.number);
  }
  if (dead.empty()) return 0;
  // The locks are held meanwhile, so no two processes do this for one dead process; if it should
  // happen all the same, the second finds nothing, since process numbers are used once.
  const auto rescued =
      impl_->write<Moved>([&](Database& database) { return rescue_from(database, dead, now); });
  if (!rescued) return unexpected(rescued.error());
  for (ProcessLock& lock : locks) lock.remove_file();
  auto count = impl_->announce(rescued);
  if (count && *count > 0) {
    impl_->log.info("rescued " + std::to_string(*count) +
                    " jobs and callbacks of processes that died");
  }
  return count;
}

StoreResult<void> SqliteJobStore::heartbeat(const ProcessHealth& /*health*/) {
  const auto done = impl_->writer.read([&](Database&) -> SqliteResult<void> {
    const Result<void> restored = impl_->lock.restore();
    if (restored) return {};
    return unexpected(SqliteFailure{SqliteFailure::Kind::kIo, restored.error().message});
  });
  if (!done) return unexpected(to_store_failure(done.error()));
  return {};
}

StoreResult<std::int64_t> SqliteJobStore::promote_due(std::chrono::system_clock::time_point now) {
  const auto promoted = impl_->write<Moved>([&](Database& database) -> SqliteResult<Moved> {
    const auto jobs = promote_due_jobs(database, now);
    if (!jobs) return unexpected(jobs.error());
    const auto callbacks = promote_due_callbacks(database, now);
    if (!callbacks) return unexpected(callbacks.error());
    return Moved{*jobs, *callbacks};
  });
  return impl_->announce(promoted);
}

StoreResult<std::vector<CallbackClaim>> SqliteJobStore::claim_callbacks(std::size_t most) {
  return impl_->write<std::vector<CallbackClaim>>(
      [&](Database& database) { return claim_callback_jobs(database, impl_->claimant, most); });
}

StoreResult<std::vector<Settled>> SqliteJobStore::finish_callbacks(std::span<const std::string> ids,
                                                                   std::span<const Note> notes) {
  return impl_->write<std::vector<Settled>>(
      [&](Database& database) -> SqliteResult<std::vector<Settled>> {
        auto settled = finish_callback_jobs(database, impl_->process, ids);
        if (!settled) return settled;
        if (auto kept = keep_notes(database, notes); !kept) return unexpected(kept.error());
        return settled;
      });
}

StoreResult<std::vector<Settled>> SqliteJobStore::fail_callbacks(
    std::span<const FailedClaim> failed, std::chrono::system_clock::time_point now) {
  return impl_->write<std::vector<Settled>>([&](Database& database) {
    return fail_callback_jobs(database, impl_->process, failed, now);
  });
}

StoreResult<std::vector<Settled>> SqliteJobStore::release_callbacks(
    std::span<const std::string> ids) {
  auto settled = impl_->write<std::vector<Settled>>(
      [&](Database& database) { return release_callback_jobs(database, impl_->process, ids); });
  if (settled) impl_->callbacks.announce();
  return settled;
}

StoreResult<std::vector<DeadJob>> SqliteJobStore::dead_jobs(std::size_t most,
                                                            std::string_view after) {
  return impl_->read<std::vector<DeadJob>>(
      [&](Database& database) { return list_dead(database, most, after); });
}

StoreResult<std::int64_t> SqliteJobStore::retry_dead(std::span<const std::string> ids) {
  return impl_->announce(
      impl_->write<Moved>([&](Database& database) { return revive_dead(database, ids); }));
}

StoreResult<std::int64_t> SqliteJobStore::delete_dead(std::span<const std::string> ids) {
  return impl_->write<std::int64_t>([&](Database& database) { return remove_dead(database, ids); });
}

StoreResult<std::int64_t> SqliteJobStore::trim_dead(std::chrono::system_clock::time_point before) {
  return impl_->write<std::int64_t>(
      [&](Database& database) { return remove_dead_before(database, before); });
}

StoreResult<void> SqliteJobStore::announce_payloads(std::span<const std::string> payloads) {
  return impl_->write<void>([&](Database& database) {
    auto done = keep_registered(database, impl_->claimant);
    return done ? note_payloads(database, impl_->process, payloads) : done;
  });
}

StoreResult<std::vector<std::string>> SqliteJobStore::unneeded_payloads(std::size_t most,
                                                                        std::string_view after) {
  return impl_->read<std::vector<std::string>>(
      [&](Database& database) { return list_unneeded_payloads(database, most, after); });
}

StoreResult<void> SqliteJobStore::forget_payloads(std::span<const std::string> payloads) {
  return impl_->write<void>(
      [&](Database& database) { return remove_payloads(database, payloads); });
}

StoreResult<std::optional<std::string>> SqliteJobStore::note(std::string_view key) {
  return impl_->read<std::optional<std::string>>(
      [&](Database& database) { return read_note(database, key); });
}

StoreResult<Statistics> SqliteJobStore::statistics() {
  return impl_->read<Statistics>([](Database& database) { return read_statistics(database); });
}

StoreResult<void> SqliteJobStore::clear_statistics() {
  return impl_->write<void>([](Database& database) { return database.run("DELETE FROM totals"); });
}

StoreResult<JobCounts> SqliteJobStore::counts() {
  return impl_->read<JobCounts>([](Database& database) { return count_jobs(database); });
}

Wait SqliteJobStore::wait_for_jobs(std::chrono::steady_clock::time_point deadline) {
  return impl_->wait(impl_->jobs, "SELECT 1 FROM ready LIMIT 1", deadline);
}

Wait SqliteJobStore::wait_for_callbacks(std::chrono::steady_clock::time_point deadline) {
  return impl_->wait(impl_->callbacks, "SELECT 1 FROM callbacks_ready LIMIT 1", deadline);
}

void SqliteJobStore::wake() {
  impl_->jobs.wake();
  impl_->callbacks.wake();
}

StoreResult<SqliteJobStoreOptions::Durability> SqliteJobStore::durability() {
  using Durability = SqliteJobStoreOptions::Durability;
  constexpr std::int64_t kSqliteFull = 2;
  return impl_->read<Durability>([](Database& database) -> SqliteResult<Durability> {
    const auto level = database.integer("PRAGMA synchronous");
    if (!level) return unexpected(level.error());
    return level->value_or(0) >= kSqliteFull ? Durability::kFull : Durability::kNormal;
  });
}

}  // namespace patient_http::jobs
