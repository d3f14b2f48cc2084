#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "drivers/sqlite/database.h"
#include "jobs/job_store.h"

// The steps of a job in the tables of schema.sql. Each function is part of one transaction, which
// its caller begins and ends; JobStore's comments say what each step means.
namespace patient_http::jobs {

// Who claims. Only the writer thread touches it: a number that a rolled-back transaction used is
// lost, which does no harm.
struct Claimant {
  std::int64_t process = 0;
  std::string name;
  bool is_exclusive = false;
  std::int64_t last_claim = 0;
};

// How many jobs, and how many callbacks, were put into their queue.
struct Moved {
  std::int64_t jobs = 0;
  std::int64_t callbacks = 0;
};

[[nodiscard]] std::int64_t to_milliseconds(std::chrono::system_clock::time_point time);

// The first of `count` numbers for jobs or positions, which are then used.
[[nodiscard]] sqlite::SqliteResult<std::int64_t> reserve_numbers(sqlite::Database& database,
                                                                 std::size_t count);

[[nodiscard]] sqlite::SqliteResult<void> push_jobs(sqlite::Database& database,
                                                   std::span<const NewJob> jobs);
[[nodiscard]] sqlite::SqliteResult<std::vector<Claim>> claim_jobs(sqlite::Database& database,
                                                                  Claimant& claimant,
                                                                  std::size_t most);
[[nodiscard]] sqlite::SqliteResult<Settled> note_suspect(sqlite::Database& database,
                                                         std::int64_t process,
                                                         const std::string& claim_id);
[[nodiscard]] sqlite::SqliteResult<std::vector<ClaimReference>> list_claims(
    sqlite::Database& database, std::int64_t process);
[[nodiscard]] sqlite::SqliteResult<std::vector<Settled>> complete_jobs(
    sqlite::Database& database, std::int64_t process, std::span<const Completion> completions);
[[nodiscard]] sqlite::SqliteResult<std::vector<Settled>> fail_jobs(
    sqlite::Database& database, std::int64_t process, std::span<const FailedClaim> failed,
    std::chrono::system_clock::time_point now);
[[nodiscard]] sqlite::SqliteResult<std::vector<Settled>> release_jobs(
    sqlite::Database& database, std::int64_t process, std::span<const std::string> claim_ids);
[[nodiscard]] sqlite::SqliteResult<std::int64_t> promote_due_jobs(
    sqlite::Database& database, std::chrono::system_clock::time_point now);

// Moves what is due from a schedule to the back of its queue, earliest first, with these columns
// ("job, jid"), and gives how many.
[[nodiscard]] sqlite::SqliteResult<std::int64_t> move_due(
    sqlite::Database& database, const std::string& schedule, const std::string& queue,
    const std::string& columns, std::chrono::system_clock::time_point now);

[[nodiscard]] sqlite::SqliteResult<void> replace_bytes(sqlite::Database& database, std::int64_t job,
                                                       const std::string& bytes);
// Counts anew how often the job was taken from a dead process, and what died with it.
[[nodiscard]] sqlite::SqliteResult<void> clear_rescues(sqlite::Database& database,
                                                       std::int64_t job);
// Removes what is left of a job that has been taken out of its queue for good.
[[nodiscard]] sqlite::SqliteResult<void> forget_job(sqlite::Database& database, std::int64_t job);

}  // namespace patient_http::jobs
