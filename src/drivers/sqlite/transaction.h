#pragma once

#include "drivers/sqlite/database.h"

namespace patient_http::sqlite {

// BEGIN IMMEDIATE … COMMIT; what was not committed is rolled back by the destructor.
//
// Thread safety and ownership: as the database, which it borrows and which must outlive it.
class Transaction {
 public:
  // Waits for other processes' transactions up to the busy timeout, then fails with kBusy.
  [[nodiscard]] static SqliteResult<Transaction> begin(Database& database);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;

  // After a failure nothing of the transaction stands in this file's next states, unless the
  // machine loses its power before the next commit: then all of it may. Repeating what was done
  // must therefore be harmless.
  [[nodiscard]] SqliteResult<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}

  Database* database_;  // null once it has ended
};

}  // namespace patient_http::sqlite
