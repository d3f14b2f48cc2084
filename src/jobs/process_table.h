#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sqlite/database.h"
#include "jobs/job_tables.h"

// Which processes have opened the file, and how the claims of dead ones are taken; as
// job_tables.h.
namespace patient_http::jobs {

struct RegisteredProcess {
  std::int64_t number = 0;
  std::string name;  // "<host>:<pid>:<token>"
  bool is_exclusive = false;

  [[nodiscard]] std::string_view token() const;  // of its lock file
  [[nodiscard]] std::string_view pid() const;
};

[[nodiscard]] sqlite::SqliteResult<std::vector<RegisteredProcess>> list_processes(
    sqlite::Database& database);

// Registers a process and gives its number.
[[nodiscard]] sqlite::SqliteResult<std::int64_t> register_process(sqlite::Database& database,
                                                                  const std::string& name,
                                                                  bool is_exclusive);

// Registers again a process that was taken for dead, because its lock file was removed, so that
// what it claims from now on can be rescued.
[[nodiscard]] sqlite::SqliteResult<void> keep_registered(sqlite::Database& database,
                                                         const Claimant& claimant);

// Removes the process if it holds no claim; tells whether it did.
[[nodiscard]] sqlite::SqliteResult<bool> unregister_if_idle(sqlite::Database& database,
                                                            std::int64_t process);

// Puts what the dead processes hold back into its queues and removes them. Gives how many jobs
// and callbacks that were.
[[nodiscard]] sqlite::SqliteResult<Moved> rescue_from(
    sqlite::Database& database, const std::vector<std::int64_t>& dead_processes,
    std::chrono::system_clock::time_point now);

}  // namespace patient_http::jobs
