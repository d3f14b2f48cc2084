#include "jobs/sqlite_store_opening.h"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "drivers/sqlite/schema.h"
#include "drivers/sqlite/transaction.h"
#include "embedded/schema.sql.h"
#include "embedded/schema_from_1.sql.h"
#include "embedded/schema_from_2.sql.h"
#include "jobs/process_name.h"
#include "jobs/process_table.h"

namespace patient_http::jobs {

using sqlite::Database;
using sqlite::SqliteFailure;
using sqlite::SqliteResult;

namespace {

constexpr std::int64_t kSchemaVersion = 3;
constexpr std::int32_t kApplicationId = 0x50485451;  // "PHTQ"

tl::unexpected<StoreFailure> refuse(StoreFailure::Kind kind, std::string message) {
  return unexpected(StoreFailure{kind, std::move(message)});
}

StoreResult<Database> open_database(const SqliteJobStoreOptions& options) {
  // The lock files' names derive from the path, so all must see the same one.
  std::error_code error;
  const auto path =
      std::filesystem::weakly_canonical(std::filesystem::absolute(options.path, error), error);
  if (error) {
    return refuse(StoreFailure::Kind::kUnavailable,
                  "cannot find " + options.path + ": " + error.message());
  }
  sqlite::OpenOptions open;
  open.path = path.string();
  open.application_id = kApplicationId;
  open.busy_timeout = options.busy_timeout;
  open.synchronous = options.durability == SqliteJobStoreOptions::Durability::kFull
                         ? sqlite::Synchronous::kFull
                         : sqlite::Synchronous::kNormal;
  auto database = Database::open(open);
  if (!database) return unexpected(to_store_failure(std::move(database.error())));
  const std::string from_1 =
      std::string(embedded::kSchemaFrom1Sql) + std::string(embedded::kSchemaFrom2Sql);
  auto done = sqlite::bring_to_version(
      *database, {.application_id = kApplicationId,
                  .version = kSchemaVersion,
                  .script = [&](std::int64_t from) -> std::string_view {
                    if (from == 0) return embedded::kSchemaSql;
                    return from == 1 ? std::string_view(from_1) : embedded::kSchemaFrom2Sql;
                  }});
  if (!done) return unexpected(to_store_failure(std::move(done.error())));
  return std::move(*database);
}

// REQUIRES: a transaction, so that of two that want the file for themselves one sees the other.
StoreResult<void> check_exclusive(Database& database, const Claimant& claimant) {
  const auto others = list_processes(database);
  if (!others) return unexpected(to_store_failure(others.error()));
  for (const RegisteredProcess& other : *others) {
    if (!claimant.is_exclusive && !other.is_exclusive) continue;
    const auto dead = ProcessLock::take_if_dead(database.path(), other.token());
    if (!dead) return refuse(StoreFailure::Kind::kUnavailable, dead.error().message);
    if (*dead) continue;
    return refuse(StoreFailure::Kind::kInUse, "cannot use " + database.path() + ": process " +
                                                  std::string(other.pid()) + " (" + other.name +
                                                  ") has it open");
  }
  return {};
}

StoreResult<void> enter(Database& database, Claimant& claimant) {
  auto transaction = sqlite::Transaction::begin(database);
  if (!transaction) return unexpected(to_store_failure(transaction.error()));
  if (auto free = check_exclusive(database, claimant); !free) return free;
  const auto number = register_process(database, claimant.name, claimant.is_exclusive);
  if (!number) return unexpected(to_store_failure(number.error()));
  if (auto done = transaction->commit(); !done) return unexpected(to_store_failure(done.error()));
  claimant.process = *number;
  return {};
}

void remove_stray_files(Database& database) {
  const auto processes = list_processes(database);
  if (!processes) return;
  std::set<std::string> registered;
  for (const RegisteredProcess& process : *processes) registered.emplace(process.token());
  ProcessLock::remove_strays(database.path(), registered);
}

}  // namespace

StoreFailure to_store_failure(SqliteFailure failure) {
  const auto kind = [&] {
    switch (failure.kind) {
      case SqliteFailure::Kind::kBusy:
      case SqliteFailure::Kind::kFull:
      case SqliteFailure::Kind::kIo:
        return StoreFailure::Kind::kUnavailable;
      case SqliteFailure::Kind::kCorrupt:
      case SqliteFailure::Kind::kNotADatabase:
        return StoreFailure::Kind::kDamaged;
      case SqliteFailure::Kind::kOther:
        break;
    }
    return StoreFailure::Kind::kMisuse;
  }();
  return StoreFailure{kind, std::move(failure.message)};
}

StoreResult<OpenedStore> open_sqlite_store(const SqliteJobStoreOptions& options) {
  StoreResult<Database> database = open_database(options);
  if (!database) return unexpected(std::move(database.error()));
  Result<ProcessLock> lock = ProcessLock::create(database->path());
  if (!lock) return refuse(StoreFailure::Kind::kUnavailable, lock.error().message);
  Claimant claimant;
  claimant.name = (options.process_prefix.empty() ? process_prefix() : options.process_prefix) +
                  ":" + lock->token();
  claimant.is_exclusive = options.is_exclusive;
  if (auto entered = enter(*database, claimant); !entered) {
    lock->remove_file();
    return unexpected(entered.error());
  }
  remove_stray_files(*database);
  return OpenedStore{std::move(*database), std::move(*lock), std::move(claimant)};
}

}  // namespace patient_http::jobs
