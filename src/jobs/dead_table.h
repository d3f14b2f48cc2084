#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sqlite/database.h"
#include "jobs/job_store.h"
#include "jobs/job_tables.h"

// The dead, in the tables of schema.sql; as job_tables.h. Their id is "<died>:<job>".
namespace patient_http::jobs {

[[nodiscard]] sqlite::SqliteResult<std::vector<DeadJob>> list_dead(sqlite::Database& database,
                                                                   std::size_t most,
                                                                   std::string_view after);
[[nodiscard]] sqlite::SqliteResult<Moved> revive_dead(sqlite::Database& database,
                                                      std::span<const std::string> ids);
[[nodiscard]] sqlite::SqliteResult<std::int64_t> remove_dead(sqlite::Database& database,
                                                             std::span<const std::string> ids);
[[nodiscard]] sqlite::SqliteResult<std::int64_t> remove_dead_before(
    sqlite::Database& database, std::chrono::system_clock::time_point before);

}  // namespace patient_http::jobs
