#pragma once

#include "drivers/sqlite/database.h"
#include "jobs/job_tables.h"
#include "jobs/process_lock.h"
#include "jobs/sqlite_job_store.h"

namespace patient_http::jobs {

// What an open SqliteJobStore consists of: the connection, the sign that its process lives, and
// who it is.
struct OpenedStore {
  sqlite::Database database;
  ProcessLock lock;
  Claimant claimant;
};

// Opens or makes the file, locks a file for this process, and registers it.
[[nodiscard]] StoreResult<OpenedStore> open_sqlite_store(const SqliteJobStoreOptions& options);

[[nodiscard]] StoreFailure to_store_failure(sqlite::SqliteFailure failure);

}  // namespace patient_http::jobs
