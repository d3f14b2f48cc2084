#include "patient_http/sqlite_payload_store.h"

#include <cstdint>
#include <utility>

#include "drivers/sqlite/schema.h"
#include "drivers/sqlite/sqlite_writer.h"
#include "payload/payload_key.h"

namespace patient_http {

using sqlite::Database;
using sqlite::SqliteResult;

namespace {

constexpr std::int32_t kApplicationId = 0x50485450;  // "PHTP"

// The columns of the gem's table. Times are in UTC, as Active Record writes them.
constexpr const char* kSchema =
    "CREATE TABLE patient_http_payloads ("
    "  key TEXT NOT NULL PRIMARY KEY,"
    "  data TEXT NOT NULL,"
    "  created_at TEXT NOT NULL,"
    "  updated_at TEXT NOT NULL);";

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
  const SqliteResult<void> made = sqlite::bring_to_version(
      *database, {.application_id = kApplicationId, .version = 1, .script = [](std::int64_t) {
                    return std::string_view(kSchema);
                  }});
  if (!made) return failure(made.error().message);
  return std::unique_ptr<SqlitePayloadStore>(
      new SqlitePayloadStore(std::make_unique<Impl>(std::move(*database))));
}

Result<void> SqlitePayloadStore::store(const std::string& key, std::string_view data) {
  if (auto checked = payload::check_payload_key(key); !checked) return checked;
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
  if (auto checked = payload::check_payload_key(key); !checked) return unexpected(checked.error());
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
  if (auto checked = payload::check_payload_key(key); !checked) return checked;
  return to_result(impl_->writer.write([&](Database& database) {
    return database.run("DELETE FROM patient_http_payloads WHERE key = ?", std::string_view(key));
  }));
}

Result<bool> SqlitePayloadStore::exists(const std::string& key) {
  if (auto checked = payload::check_payload_key(key); !checked) return unexpected(checked.error());
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
