#include "drivers/sqlite/schema.h"

#include <string>

#include "drivers/sqlite/transaction.h"

namespace patient_http::sqlite {

namespace {

SqliteResult<std::int64_t> version_of(Database& database, const Schema& schema) {
  const auto version = database.integer("PRAGMA user_version");
  if (!version) return unexpected(version.error());
  const std::int64_t found = version->value_or(0);
  if (found >= 0 && found <= schema.version) return found;
  return unexpected(SqliteFailure{SqliteFailure::Kind::kOther,
                                  "cannot use " + database.path() + ": its schema has version " +
                                      std::to_string(found) + ", this program knows version " +
                                      std::to_string(schema.version)});
}

}  // namespace

SqliteResult<void> bring_to_version(Database& database, const Schema& schema) {
  auto found = version_of(database, schema);
  if (!found) return unexpected(found.error());
  if (*found == schema.version) return {};
  auto transaction = Transaction::begin(database);
  if (!transaction) return unexpected(transaction.error());
  // Another process may have done it meanwhile.
  found = version_of(database, schema);
  if (!found) return unexpected(found.error());
  if (*found == schema.version) return {};
  auto done = database.execute(std::string(schema.script(*found)) +
                               "PRAGMA application_id = " + std::to_string(schema.application_id) +
                               "; PRAGMA user_version = " + std::to_string(schema.version));
  return done ? transaction->commit() : done;
}

}  // namespace patient_http::sqlite
