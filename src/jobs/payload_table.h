#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sqlite/database.h"

// Which job needs which payload of a payload store, in the table stored_payloads of schema.sql; as
// job_tables.h.
namespace patient_http::jobs {

// `process` is about to store them.
[[nodiscard]] sqlite::SqliteResult<void> note_payloads(sqlite::Database& database,
                                                       std::int64_t process,
                                                       std::span<const std::string> payloads);

// The bytes of `job` now refer to the payload, if there is one.
[[nodiscard]] sqlite::SqliteResult<void> use_payload(sqlite::Database& database,
                                                     const std::optional<std::string>& payload,
                                                     std::int64_t job);
// The payload was announced for a step that did not come about. Without effect when a job needs it.
[[nodiscard]] sqlite::SqliteResult<void> drop_unused_payload(
    sqlite::Database& database, const std::optional<std::string>& payload);
// The job does not need its payload any more.
[[nodiscard]] sqlite::SqliteResult<void> release_payloads(sqlite::Database& database,
                                                          std::int64_t job);

[[nodiscard]] sqlite::SqliteResult<std::vector<std::string>> list_unneeded_payloads(
    sqlite::Database& database, std::size_t most, std::string_view after);
[[nodiscard]] sqlite::SqliteResult<void> remove_payloads(sqlite::Database& database,
                                                         std::span<const std::string> payloads);

}  // namespace patient_http::jobs
