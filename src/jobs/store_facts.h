#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "drivers/sqlite/database.h"
#include "jobs/job_store.h"

// Statistics, counts and notes in the tables of schema.sql; as job_tables.h.
namespace patient_http::jobs {

void add_request(Statistics& statistics, const RequestStatistics& request);

[[nodiscard]] sqlite::SqliteResult<void> add_statistics(sqlite::Database& database,
                                                        const Statistics& added);
[[nodiscard]] sqlite::SqliteResult<Statistics> read_statistics(sqlite::Database& database);
[[nodiscard]] sqlite::SqliteResult<JobCounts> count_jobs(sqlite::Database& database);

[[nodiscard]] sqlite::SqliteResult<void> keep_notes(sqlite::Database& database,
                                                    std::span<const Note> notes);
[[nodiscard]] sqlite::SqliteResult<std::optional<std::string>> read_note(sqlite::Database& database,
                                                                         std::string_view key);

}  // namespace patient_http::jobs
