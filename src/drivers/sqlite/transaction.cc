#include "drivers/sqlite/transaction.h"

#include <utility>

namespace patient_http::sqlite {

SqliteResult<Transaction> Transaction::begin(Database& database) {
  const SqliteResult<void> begun = database.run("BEGIN IMMEDIATE");
  if (!begun) return unexpected(begun.error());
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // Nothing to report: a transaction that cannot be rolled back was already rolled back by SQLite.
  if (database_ != nullptr && database_->in_transaction())
    static_cast<void>(database_->run("ROLLBACK"));
}

SqliteResult<void> Transaction::commit() {
  SqliteResult<void> done = database_->run("COMMIT");
  if (done) database_ = nullptr;
  return done;
}

}  // namespace patient_http::sqlite
