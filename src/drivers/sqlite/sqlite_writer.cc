#include "drivers/sqlite/sqlite_writer.h"

#include <exception>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "drivers/sqlite/transaction.h"

namespace patient_http::sqlite {

struct SqliteWriter::Pending {
  Operation operation;
  bool is_write = false;
  SqliteResult<void> result{};  // the writer's until is_done

  base::Mutex mutex;
  base::CondVar changed;
  bool is_done GUARDED_BY(mutex) = false;

  void finish() {
    base::MutexLock lock(mutex);
    is_done = true;
    // Under the lock: the caller's frame, and this object with it, ends once it has seen is_done.
    changed.notify_one();
  }
};

namespace {

SqliteResult<void> run_guarded(SqliteWriter::Operation& operation, Database& database) {
  try {
    return operation(database);
  } catch (const std::exception& error) {
    return unexpected(SqliteFailure{
        SqliteFailure::Kind::kOther,
        std::string("an operation on ") + database.path() + " failed: " + error.what()});
  }
}

SqliteResult<void> read_one(SqliteWriter::Operation& operation, Database& database) {
  if (SqliteResult<void> begun = database.run("BEGIN"); !begun) return begun;
  SqliteResult<void> done = run_guarded(operation, database);
  if (database.in_transaction()) {
    const SqliteResult<void> ended = database.run("COMMIT");
    if (!ended && database.in_transaction()) static_cast<void>(database.run("ROLLBACK"));
  }
  return done;
}

}  // namespace

SqliteWriter::SqliteWriter(Database database)
    : database_(std::move(database)), thread_([this] { loop(); }) {}

SqliteWriter::~SqliteWriter() {
  stop();
}

void SqliteWriter::stop() {
  pending_.close();
  if (thread_.joinable()) thread_.join();
}

SqliteResult<void> SqliteWriter::write(Operation operation) {
  return submit(std::move(operation), true);
}

SqliteResult<void> SqliteWriter::read(Operation operation) {
  return submit(std::move(operation), false);
}

SqliteResult<void> SqliteWriter::submit(Operation operation, bool is_write) {
  Pending pending;
  pending.operation = std::move(operation);
  pending.is_write = is_write;
  if (!pending_.push(&pending)) {
    return unexpected(SqliteFailure{SqliteFailure::Kind::kOther,
                                    "cannot use " + database_.path() + ": it was closed"});
  }
  base::MutexLock lock(pending.mutex);
  while (!pending.is_done) pending.changed.wait(pending.mutex);
  return std::move(pending.result);
}

void SqliteWriter::loop() {
  constexpr std::size_t kMostInGroup = 256;
  for (;;) {
    const std::vector<Pending*> taken = pending_.take(kMostInGroup);
    if (taken.empty()) return;
    std::vector<Pending*> group;
    for (Pending* const pending : taken) {
      if (pending->is_write) {
        group.push_back(pending);
      } else {
        pending->result = read_one(pending->operation, database_);
        pending->finish();
      }
    }
    if (!group.empty()) write_group(group);
  }
}

void SqliteWriter::write_group(const std::vector<Pending*>& group) {
  SqliteResult<void> outcome{};
  {
    SqliteResult<Transaction> transaction = Transaction::begin(database_);
    if (!transaction) {
      outcome = unexpected(transaction.error());
    } else if (group.size() == 1) {
      outcome = run_guarded(group.front()->operation, database_);
    } else {
      for (Pending* const pending : group) {
        pending->result = write_one_of_many(pending->operation);
        if (database_.in_transaction()) continue;
        outcome = unexpected(
            pending->result ? SqliteFailure{SqliteFailure::Kind::kIo, "SQLite rolled back a group"}
                            : pending->result.error());
        break;
      }
    }
    if (outcome) outcome = transaction->commit();
  }
  for (Pending* const pending : group) {
    if (!outcome) pending->result = outcome;
    pending->finish();
  }
}

SqliteResult<void> SqliteWriter::write_one_of_many(Operation& operation) {
  if (SqliteResult<void> begun = database_.run("SAVEPOINT operation"); !begun) return begun;
  SqliteResult<void> done = run_guarded(operation, database_);
  if (!database_.in_transaction()) return done;
  if (!done) {
    const SqliteResult<void> undone = database_.run("ROLLBACK TO operation");
    // With the savepoint still in force its changes must not be committed with the others'.
    if (!undone) static_cast<void>(database_.run("ROLLBACK"));
  }
  if (database_.in_transaction()) {
    SqliteResult<void> released = database_.run("RELEASE operation");
    if (!released) {
      static_cast<void>(database_.run("ROLLBACK"));
      return released;
    }
  }
  return done;
}

}  // namespace patient_http::sqlite
