#include "jobs/job_tables.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "jobs/claim_number.h"
#include "jobs/payload_table.h"
#include "jobs/process_table.h"
#include "jobs/store_facts.h"

namespace patient_http::jobs {

using sqlite::Blob;
using sqlite::Database;
using sqlite::SqliteFailure;
using sqlite::SqliteResult;
using sqlite::Statement;

namespace {

// Of one claim: what is claimed is in memory, and a step keeps others from writing.
constexpr std::size_t kMostClaimedBytes = std::size_t{8} << 20;

SqliteResult<void> push_one(Database& database, const NewJob& job, std::int64_t number) {
  auto done = database.run("INSERT INTO jids (jid, job) VALUES (?, ?) ON CONFLICT DO NOTHING",
                           job.jid, number);
  if (!done) return done;
  if (database.changes() == 0) return drop_unused_payload(database, job.payload);
  done = database.run("INSERT INTO payloads (job, jid, bytes) VALUES (?, ?, ?)", number, job.jid,
                      Blob{job.bytes});
  if (done) done = use_payload(database, job.payload, number);
  if (!done) return done;
  if (job.run_at) {
    return database.run("INSERT INTO schedule (due, job, reason) VALUES (?, ?, '')",
                        to_milliseconds(*job.run_at), number);
  }
  return database.run("INSERT INTO ready (position, job) VALUES (?, ?)", number, number);
}

struct Place {
  std::int64_t job;
  std::int64_t position;
};

// Ends a claim of ours; empty when it is not there.
SqliteResult<std::optional<Place>> take_claim(Database& database, std::int64_t process,
                                              const std::string& id) {
  const std::optional<ClaimNumber> number = parse_claim_id(id);
  if (!number || number->process != process) return std::nullopt;
  Statement statement = database.statement(
      "DELETE FROM in_flight WHERE process = ? AND claim = ? RETURNING job, position");
  statement.bind(1, number->process).bind(2, number->claim);
  const SqliteResult<bool> row = statement.step();
  if (!row) return unexpected(row.error());
  if (!*row) return std::nullopt;
  const Place place{statement.integer(0), statement.integer(1)};
  if (const auto end = statement.run(); !end) return unexpected(end.error());
  return place;
}

SqliteResult<void> fail_one(Database& database, std::int64_t job, const FailedClaim& failed,
                            std::chrono::system_clock::time_point now) {
  if (failed.bytes) {
    if (auto done = replace_bytes(database, job, *failed.bytes); !done) return done;
  }
  if (failed.retry_at) {
    return database.run("INSERT INTO schedule (due, job, reason) VALUES (?, ?, ?)",
                        to_milliseconds(*failed.retry_at), job, failed.reason);
  }
  return database.run("INSERT INTO dead (job, died, reason) VALUES (?, ?, ?)", job,
                      to_milliseconds(now), failed.reason);
}

// Calls `settle(entry, place)` for each whose claim is ours, which has then ended, and
// `drop(entry)` for the others.
template <class Ids, class Settle, class Drop>
SqliteResult<std::vector<Settled>> settle_each(Database& database, std::int64_t process,
                                               const Ids& entries, Settle settle, Drop drop) {
  std::vector<Settled> settled;
  settled.reserve(entries.size());
  for (const auto& entry : entries) {
    const std::string* id = nullptr;
    if constexpr (requires { entry.claim_id; }) {
      id = &entry.claim_id;
    } else {
      id = &entry;
    }
    const auto place = take_claim(database, process, *id);
    if (!place) return unexpected(place.error());
    const SqliteResult<void> done = *place ? settle(entry, **place) : drop(entry);
    if (!done) return unexpected(done.error());
    settled.push_back(*place ? Settled::kDone : Settled::kClaimGone);
  }
  return settled;
}

}  // namespace

std::int64_t to_milliseconds(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

SqliteResult<std::int64_t> reserve_numbers(Database& database, std::size_t count) {
  const auto next = database.integer("UPDATE sequence SET next = next + ? RETURNING next", count);
  if (!next) return unexpected(next.error());
  if (!*next) {
    return unexpected(SqliteFailure{SqliteFailure::Kind::kCorrupt,
                                    database.path() + " has lost the row of its sequence"});
  }
  return **next - static_cast<std::int64_t>(count);
}

SqliteResult<void> push_jobs(Database& database, std::span<const NewJob> jobs) {
  if (jobs.empty()) return {};
  auto number = reserve_numbers(database, jobs.size());
  if (!number) return unexpected(number.error());
  for (const NewJob& job : jobs) {
    if (auto done = push_one(database, job, *number); !done) return done;
    ++*number;
  }
  return {};
}

SqliteResult<std::vector<Claim>> claim_jobs(Database& database, Claimant& claimant,
                                            std::size_t most) {
  std::vector<Claim> claims;
  std::vector<Place> places;
  {
    Statement statement = database.statement(
        "SELECT ready.position, ready.job, payloads.jid, payloads.bytes,"
        " (SELECT count(*) FROM rescues WHERE rescues.job = ready.job),"
        " (SELECT count FROM deaths WHERE deaths.job = ready.job)"
        " FROM ready LEFT JOIN payloads ON payloads.job = ready.job"
        " ORDER BY ready.position LIMIT ?");
    statement.bind(1, static_cast<std::int64_t>(
                          std::min<std::size_t>(most, std::numeric_limits<std::int32_t>::max())));
    for (std::size_t bytes = 0; bytes < kMostClaimedBytes;) {
      const SqliteResult<bool> row = statement.step();
      if (!row) return unexpected(row.error());
      if (!*row) break;
      if (statement.is_null(2)) {
        return unexpected(SqliteFailure{
            SqliteFailure::Kind::kCorrupt,
            database.path() + " has no bytes for job " + std::to_string(statement.integer(1))});
      }
      bytes += statement.text(3).size();
      places.push_back({statement.integer(1), statement.integer(0)});
      claims.push_back(Claim{to_claim_id({claimant.process, ++claimant.last_claim}),
                             std::string(statement.text(2)), std::string(statement.text(3)),
                             static_cast<int>(statement.integer(4)),
                             static_cast<int>(statement.integer(5))});
    }
  }
  if (claims.empty()) return claims;
  if (auto done = keep_registered(database, claimant); !done) return unexpected(done.error());
  // Those that were read are all up to the last position.
  if (auto done = database.run("DELETE FROM ready WHERE position <= ?", places.back().position);
      !done)
    return unexpected(done.error());
  std::int64_t claim = claimant.last_claim - static_cast<std::int64_t>(places.size());
  for (const Place& place : places) {
    auto done =
        database.run("INSERT INTO in_flight (process, claim, job, position) VALUES (?, ?, ?, ?)",
                     claimant.process, ++claim, place.job, place.position);
    if (!done) return unexpected(done.error());
  }
  return claims;
}

SqliteResult<Settled> note_suspect(Database& database, std::int64_t process,
                                   const std::string& claim_id) {
  const std::optional<ClaimNumber> number = parse_claim_id(claim_id);
  if (!number || number->process != process) return Settled::kClaimGone;
  auto done = database.run(
      "INSERT INTO suspects (process, claim)"
      " SELECT process, claim FROM in_flight WHERE process = ? AND claim = ?"
      " ON CONFLICT DO UPDATE SET claim = excluded.claim",
      number->process, number->claim);
  if (!done) return unexpected(done.error());
  return database.changes() > 0 ? Settled::kDone : Settled::kClaimGone;
}

SqliteResult<std::vector<ClaimReference>> list_claims(Database& database, std::int64_t process) {
  std::vector<ClaimReference> claims;
  Statement statement = database.statement(
      "SELECT in_flight.claim, payloads.jid FROM in_flight JOIN payloads"
      " ON payloads.job = in_flight.job WHERE in_flight.process = ? ORDER BY in_flight.claim");
  statement.bind(1, process);
  for (;;) {
    const SqliteResult<bool> row = statement.step();
    if (!row) return unexpected(row.error());
    if (!*row) return claims;
    claims.push_back(
        {to_claim_id({process, statement.integer(0)}), std::string(statement.text(1))});
  }
}

SqliteResult<std::vector<Settled>> complete_jobs(Database& database, std::int64_t process,
                                                 std::span<const Completion> completions) {
  auto position = reserve_numbers(database, completions.size());
  if (!position) return unexpected(position.error());
  Statistics added;
  auto settled = settle_each(
      database, process, completions,
      [&](const Completion& completion, const Place& place) -> SqliteResult<void> {
        auto done = clear_rescues(database, place.job);
        if (done) done = replace_bytes(database, place.job, completion.callback_bytes);
        if (done) {
          done = database.run("INSERT INTO callbacks_ready (position, job, jid) VALUES (?, ?, ?)",
                              (*position)++, place.job, completion.callback_jid);
        }
        if (done) done = release_payloads(database, place.job);
        if (done) done = use_payload(database, completion.payload, place.job);
        add_request(added, completion.statistics);
        return done;
      },
      [&](const Completion& completion) {
        return drop_unused_payload(database, completion.payload);
      });
  if (!settled) return settled;
  if (auto done = add_statistics(database, added); !done) return unexpected(done.error());
  return settled;
}

SqliteResult<std::vector<Settled>> fail_jobs(Database& database, std::int64_t process,
                                             std::span<const FailedClaim> failed,
                                             std::chrono::system_clock::time_point now) {
  return settle_each(
      database, process, failed,
      [&](const FailedClaim& entry, const Place& place) {
        return fail_one(database, place.job, entry, now);
      },
      [](const FailedClaim&) { return SqliteResult<void>(); });
}

SqliteResult<std::vector<Settled>> release_jobs(Database& database, std::int64_t process,
                                                std::span<const std::string> claim_ids) {
  return settle_each(
      database, process, claim_ids,
      [&](const std::string&, const Place& place) {
        // Its old position is free, since positions are used once, and lies before all that was
        // never claimed.
        return database.run("INSERT INTO ready (position, job) VALUES (?, ?)", place.position,
                            place.job);
      },
      [](const std::string&) { return SqliteResult<void>(); });
}

SqliteResult<std::int64_t> promote_due_jobs(Database& database,
                                            std::chrono::system_clock::time_point now) {
  return move_due(database, "schedule", "ready", "job", now);
}

SqliteResult<std::int64_t> move_due(Database& database, const std::string& schedule,
                                    const std::string& queue, const std::string& columns,
                                    std::chrono::system_clock::time_point now) {
  const std::int64_t due = to_milliseconds(now);
  const auto count = database.integer("SELECT count(*) FROM " + schedule + " WHERE due <= ?", due);
  if (!count) return unexpected(count.error());
  if (**count == 0) return 0;
  const auto position = reserve_numbers(database, static_cast<std::size_t>(**count));
  if (!position) return unexpected(position.error());
  auto done = database.run("INSERT INTO " + queue + " (position, " + columns +
                               ") SELECT ?1 + row_number() OVER (ORDER BY due, job) - 1, " +
                               columns + " FROM " + schedule + " WHERE due <= ?2",
                           *position, due);
  if (done) done = database.run("DELETE FROM " + schedule + " WHERE due <= ?", due);
  if (!done) return unexpected(done.error());
  return **count;
}

SqliteResult<void> replace_bytes(Database& database, std::int64_t job, const std::string& bytes) {
  return database.run("UPDATE payloads SET bytes = ? WHERE job = ?", Blob{bytes}, job);
}

SqliteResult<void> clear_rescues(Database& database, std::int64_t job) {
  auto done = database.run("DELETE FROM rescues WHERE job = ?", job);
  return done ? database.run("DELETE FROM deaths WHERE job = ?", job) : done;
}

SqliteResult<void> forget_job(Database& database, std::int64_t job) {
  auto done =
      database.run("DELETE FROM jids WHERE jid = (SELECT jid FROM payloads WHERE job = ?)", job);
  if (done) done = database.run("DELETE FROM payloads WHERE job = ?", job);
  if (done) done = clear_rescues(database, job);
  if (done) done = release_payloads(database, job);
  return done;
}

}  // namespace patient_http::jobs
