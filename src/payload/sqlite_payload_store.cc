#include "patient_http/sqlite_payload_store.h"

#include <cstdint>
#include <utility>

#include "drivers/sqlite/sqlite_writer.h"
#include "drivers/sqlite/transaction.h"
#include "payload/payload_key.h"

namespace patient_http {

using sqlite::Database;
using sqlite::SqliteFailure;
using sqlite::SqliteResult;

namespace {

constexpr std::int64_t kSchemaVersion = 1;
constexpr std::int32_t kApplicationId = 0x50485450;  // "PHTP"

// The columns of the gem's table. Times are in UTC, as Active Record writes them.
constexpr const char* kSchema =
    "CREATE TABLE patient_http_payloads ("
    "  key TEXT NOT NULL PRIMARY KEY,"
    "  data TEXT NOT NULL,"
    "  created_at TEXT NOT NULL,"
    "  updated_at TEXT NOT NULL);";

SqliteResult<bool> has_schema(Database& database) {
  const auto version = database.integer("PRAGMA user_version");
  if (!version) return unexpected(version.error());
  const std::int64_t found = version->value_or(0);
  if (found == 0 || found == kSchemaVersion) return found != 0;
  return unexpected(SqliteFailure{SqliteFailure::Kind::kOther,
                                  "cannot use " + database.path() + ": its schema has version " +
                                      std::to_string(found) + ", this program knows version " +
                                      std::to_string(kSchemaVersion)});
}

// Two processes may come here at once: the second finds the work of the first.
SqliteResult<void> make_schema(Database& database) {
  SqliteResult<bool> found = has_schema(database);
  if (!found) return unexpected(found.error());
  if (*found) return {};
  auto transaction = sqlite::Transaction::begin(database);
  if (!transaction) return unexpected(transaction.error());
  found = has_schema(database);
  if (!found) return unexpected(found.error());
  if (*found) return {};
  auto done = database.execute(std::string(kSchema) +
                               "PRAGMA application_id = " + std::to_string(kApplicationId) +
                               "; PRAGMA user_version = " + std::to_string(kSchemaVersion));
  if (!done) return done;
  return transaction->commit();
}

Result<void> check_key(const std::string& key) {
  if (payload::is_payload_key(key)) return {};
  return failure("a payload's key is no UUID in lower case");
}

Result<void> to_result(SqliteResult<void> result) {
  if (!result) return failure(std::move(result.error().message));
  return {};
}

}  // namespace

struct SqlitePayloadStore::Impl {
  explicit Impl(Database database) : writer(std::move(database)) {}

  sqlite::SqliteWriter writer;
};

SqlitePayloadStore::SqlitePayloadStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqlitePayloadStore::~SqlitePayloadStore() = default;

Result<std::unique_ptr<SqlitePayloadStore>> SqlitePayloadStore::open(const std::string& path) {
  sqlite::OpenOptions options;
  options.path = path;
  options.application_id = kApplicationId;
  SqliteResult<Database> database = Database::open(options);
  if (!database) return failure(std::move(database.error().message));
  SqliteResult<void> made = make_schema(*database);
  if (!made) return failure(std::move(made.error().message));
  return std::unique_ptr<SqlitePayloadStore>(
      new SqlitePayloadStore(std::make_unique<Impl>(std::move(*database))));
}

Result<void> SqlitePayloadStore::store(const std::string& key, std::string_view data) {
  if (auto checked = check_key(key); !checked) return checked;
  return to_result(impl_->writer.write([&](Database& database) {
    return database.run(
        "INSERT INTO patient_http_payloads (key, data, created_at, updated_at)"
        " VALUES (?1, ?2, strftime('%Y-%m-%d %H:%M:%f', 'now'),"
        " strftime('%Y-%m-%d %H:%M:%f', 'now'))"
        " ON CONFLICT (key) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at",
        std::string_view(key), data);
  }));
}

Result<std::optional<std::string>> SqlitePayloadStore::fetch(const std::string& key) {
  if (auto checked = check_key(key); !checked) return unexpected(checked.error());
  std::optional<std::string> data;
  SqliteResult<void> done = impl_->writer.read([&](Database& database) -> SqliteResult<void> {
    sqlite::Statement statement =
        database.statement("SELECT data FROM patient_http_payloads WHERE key = ?");
    statement.bind(1, std::string_view(key));
    const SqliteResult<bool> row = statement.step();
    if (!row) return unexpected(row.error());
    if (*row) data = statement.text(0);
    return {};
  });
  if (!done) return failure(std::move(done.error().message));
  return data;
}

Result<void> SqlitePayloadStore::remove(const std::string& key) {
  if (auto checked = check_key(key); !checked) return checked;
  return to_result(impl_->writer.write([&](Database& database) {
    return database.run("DELETE FROM patient_http_payloads WHERE key = ?", std::string_view(key));
  }));
}

Result<bool> SqlitePayloadStore::exists(const std::string& key) {
  if (auto checked = check_key(key); !checked) return unexpected(checked.error());
  bool is_there = false;
  SqliteResult<void> done = impl_->writer.read([&](Database& database) -> SqliteResult<void> {
    const auto found = database.integer("SELECT 1 FROM patient_http_payloads WHERE key = ?",
                                        std::string_view(key));
    if (!found) return unexpected(found.error());
    is_there = found->has_value();
    return {};
  });
  if (!done) return failure(std::move(done.error().message));
  return is_there;
}

}  // namespace patient_http
