#include "jobs/callback_tables.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "jobs/claim_number.h"
#include "jobs/process_table.h"

namespace patient_http::jobs {

using sqlite::Database;
using sqlite::SqliteFailure;
using sqlite::SqliteResult;
using sqlite::Statement;

namespace {

struct Running {
  std::int64_t job;
  std::int64_t position;
  std::string jid;
};

SqliteResult<std::optional<Running>> take_running(Database& database, std::int64_t process,
                                                  const std::string& id) {
  const std::optional<ClaimNumber> number = parse_claim_id(id);
  if (!number || number->process != process) return std::nullopt;
  Statement statement = database.statement(
      "DELETE FROM callbacks_running WHERE process = ? AND claim = ? RETURNING job, position, jid");
  statement.bind(1, number->process).bind(2, number->claim);
  const SqliteResult<bool> row = statement.step();
  if (!row) return unexpected(row.error());
  if (!*row) return std::nullopt;
  Running running{statement.integer(0), statement.integer(1), std::string(statement.text(2))};
  if (const auto end = statement.run(); !end) return unexpected(end.error());
  return running;
}

SqliteResult<void> fail_one(Database& database, const Running& callback, const FailedClaim& failed,
                            std::chrono::system_clock::time_point now) {
  if (failed.bytes) {
    if (auto done = replace_bytes(database, callback.job, *failed.bytes); !done) return done;
  }
  if (failed.retry_at) {
    return database.run(
        "INSERT INTO callbacks_schedule (due, job, jid, reason) VALUES (?, ?, ?, ?)",
        to_milliseconds(*failed.retry_at), callback.job, callback.jid, failed.reason);
  }
  return database.run("INSERT INTO dead (job, died, reason, callback_jid) VALUES (?, ?, ?, ?)",
                      callback.job, to_milliseconds(now), failed.reason, callback.jid);
}

const std::string& claim_id_of(const std::string& id) {
  return id;
}
const std::string& claim_id_of(const FailedClaim& failed) {
  return failed.claim_id;
}

// Calls `settle(running, entry)` for each entry, an id or a failure, whose claim is ours, which has
// then ended.
template <class Entry, class Settle>
SqliteResult<std::vector<Settled>> settle_each(Database& database, std::int64_t process,
                                               std::span<const Entry> entries, Settle settle) {
  std::vector<Settled> settled;
  settled.reserve(entries.size());
  for (const Entry& entry : entries) {
    const auto running = take_running(database, process, claim_id_of(entry));
    if (!running) return unexpected(running.error());
    if (*running) {
      if (const SqliteResult<void> done = settle(**running, entry); !done)
        return unexpected(done.error());
    }
    settled.push_back(*running ? Settled::kDone : Settled::kClaimGone);
  }
  return settled;
}

SqliteResult<void> register_callbacks(Database& database, const Claimant& claimant,
                                      const std::vector<Running>& taken) {
  if (auto done =
          database.run("DELETE FROM callbacks_ready WHERE position <= ?", taken.back().position);
      !done)
    return done;
  std::int64_t claim = claimant.last_claim - static_cast<std::int64_t>(taken.size());
  for (const Running& callback : taken) {
    auto done = database.run(
        "INSERT INTO callbacks_running (process, claim, job, position, jid)"
        " VALUES (?, ?, ?, ?, ?)",
        claimant.process, ++claim, callback.job, callback.position, callback.jid);
    if (!done) return done;
  }
  return {};
}

}  // namespace

SqliteResult<std::vector<CallbackClaim>> claim_callback_jobs(Database& database, Claimant& claimant,
                                                             std::size_t most) {
  std::vector<CallbackClaim> claims;
  std::vector<Running> taken;
  {
    Statement statement = database.statement(
        "SELECT callbacks_ready.position, callbacks_ready.job, callbacks_ready.jid,"
        " payloads.bytes,"
        " (SELECT count(*) FROM rescues WHERE rescues.job = callbacks_ready.job)"
        " FROM callbacks_ready LEFT JOIN payloads ON payloads.job = callbacks_ready.job"
        " ORDER BY callbacks_ready.position LIMIT ?");
    statement.bind(1, static_cast<std::int64_t>(
                          std::min<std::size_t>(most, std::numeric_limits<std::int32_t>::max())));
    for (;;) {
      const SqliteResult<bool> row = statement.step();
      if (!row) return unexpected(row.error());
      if (!*row) break;
      if (statement.is_null(3)) {
        return unexpected(SqliteFailure{SqliteFailure::Kind::kCorrupt,
                                        database.path() + " has no bytes for callback " +
                                            std::to_string(statement.integer(1))});
      }
      taken.push_back({statement.integer(1), statement.integer(0), std::string(statement.text(2))});
      claims.push_back(CallbackClaim{to_claim_id({claimant.process, ++claimant.last_claim}),
                                     taken.back().jid, std::string(statement.text(3)),
                                     static_cast<int>(statement.integer(4))});
    }
  }
  if (claims.empty()) return claims;
  auto done = keep_registered(database, claimant);
  if (done) done = register_callbacks(database, claimant, taken);
  if (!done) return unexpected(done.error());
  return claims;
}

SqliteResult<std::vector<Settled>> finish_callback_jobs(Database& database, std::int64_t process,
                                                        std::span<const std::string> ids) {
  return settle_each(database, process, ids, [&](const Running& callback, const std::string&) {
    return forget_job(database, callback.job);
  });
}

SqliteResult<std::vector<Settled>> fail_callback_jobs(Database& database, std::int64_t process,
                                                      std::span<const FailedClaim> failed,
                                                      std::chrono::system_clock::time_point now) {
  return settle_each(database, process, failed,
                     [&](const Running& callback, const FailedClaim& entry) {
                       return fail_one(database, callback, entry, now);
                     });
}

SqliteResult<std::int64_t> promote_due_callbacks(Database& database,
                                                 std::chrono::system_clock::time_point now) {
  return move_due(database, "callbacks_schedule", "callbacks_ready", "job, jid", now);
}

SqliteResult<std::vector<Settled>> release_callback_jobs(Database& database, std::int64_t process,
                                                         std::span<const std::string> ids) {
  return settle_each(database, process, ids, [&](const Running& callback, const std::string&) {
    return database.run("INSERT INTO callbacks_ready (position, job, jid) VALUES (?, ?, ?)",
                        callback.position, callback.job, callback.jid);
  });
}

}  // namespace patient_http::jobs
