#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "drivers/sqlite/database.h"
#include "jobs/job_store.h"
#include "jobs/job_tables.h"

// The steps of a callback of ours in the tables of schema.sql; as job_tables.h.
namespace patient_http::jobs {

[[nodiscard]] sqlite::SqliteResult<std::vector<CallbackClaim>> claim_callback_jobs(
    sqlite::Database& database, Claimant& claimant, std::size_t most);
[[nodiscard]] sqlite::SqliteResult<std::vector<Settled>> finish_callback_jobs(
    sqlite::Database& database, std::int64_t process, std::span<const std::string> ids);
[[nodiscard]] sqlite::SqliteResult<std::vector<Settled>> fail_callback_jobs(
    sqlite::Database& database, std::int64_t process, std::span<const FailedClaim> failed,
    std::chrono::system_clock::time_point now);
[[nodiscard]] sqlite::SqliteResult<std::int64_t> promote_due_callbacks(
    sqlite::Database& database, std::chrono::system_clock::time_point now);
[[nodiscard]] sqlite::SqliteResult<std::vector<Settled>> release_callback_jobs(
    sqlite::Database& database, std::int64_t process, std::span<const std::string> ids);

}  // namespace patient_http::jobs
