#include "jobs/dead_table.h"

#include <charconv>
#include <limits>
#include <optional>

namespace patient_http::jobs {

using sqlite::Database;
using sqlite::SqliteResult;
using sqlite::Statement;

namespace {

struct DeadId {
  std::int64_t died = 0;
  std::int64_t job = 0;
};

std::optional<DeadId> parse_id(std::string_view text) {
  DeadId id;
  const char* const end = text.data() + text.size();
  const auto died = std::from_chars(text.data(), end, id.died);
  if (died.ec != std::errc() || died.ptr == end || *died.ptr != ':') return std::nullopt;
  const auto job = std::from_chars(died.ptr + 1, end, id.job);
  if (job.ec != std::errc() || job.ptr != end) return std::nullopt;
  return id;
}

std::string to_id(std::int64_t died, std::int64_t job) {
  return std::to_string(died) + ":" + std::to_string(job);
}

struct Taken {
  std::int64_t job;
  std::optional<std::string> callback_jid;
};

// Takes one out of the dead; empty when it is not there.
SqliteResult<std::optional<Taken>> take_dead(Database& database, const std::string& text) {
  const std::optional<DeadId> id = parse_id(text);
  if (!id) return std::nullopt;
  Statement statement =
      database.statement("DELETE FROM dead WHERE job = ? AND died = ? RETURNING job, callback_jid");
  statement.bind(1, id->job).bind(2, id->died);
  const SqliteResult<bool> row = statement.step();
  if (!row) return unexpected(row.error());
  if (!*row) return std::nullopt;
  Taken taken{statement.integer(0), std::nullopt};
  if (!statement.is_null(1)) taken.callback_jid = std::string(statement.text(1));
  if (const auto end = statement.run(); !end) return unexpected(end.error());
  return taken;
}

SqliteResult<void> put_into_queue(Database& database, const Taken& dead) {
  const auto position = reserve_numbers(database, 1);
  if (!position) return unexpected(position.error());
  if (auto done = clear_rescues(database, dead.job); !done) return done;
  if (dead.callback_jid) {
    return database.run("INSERT INTO callbacks_ready (position, job, jid) VALUES (?, ?, ?)",
                        *position, dead.job, *dead.callback_jid);
  }
  return database.run("INSERT INTO ready (position, job) VALUES (?, ?)", *position, dead.job);
}

}  // namespace

SqliteResult<std::vector<DeadJob>> list_dead(Database& database, std::size_t most,
                                             std::string_view after) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  const DeadId from = parse_id(after).value_or(DeadId{kEnd, kEnd});
  std::vector<DeadJob> found;
  Statement statement = database.statement(
      "SELECT dead.died, dead.job, payloads.jid, dead.callback_jid, payloads.bytes, dead.reason"
      " FROM dead JOIN payloads ON payloads.job = dead.job"
      " WHERE (dead.died, dead.job) < (?, ?) ORDER BY dead.died DESC, dead.job DESC LIMIT ?");
  statement.bind(1, from.died).bind(2, from.job).bind(3, static_cast<std::int64_t>(most));
  for (;;) {
    const SqliteResult<bool> row = statement.step();
    if (!row) return unexpected(row.error());
    if (!*row) return found;
    const bool is_callback = !statement.is_null(3);
    found.push_back({.id = to_id(statement.integer(0), statement.integer(1)),
                     .jid = std::string(statement.text(is_callback ? 3 : 2)),
                     .is_callback = is_callback,
                     .bytes = std::string(statement.text(4)),
                     .reason = std::string(statement.text(5)),
                     .died = std::chrono::system_clock::time_point(
                         std::chrono::milliseconds(statement.integer(0)))});
  }
}

SqliteResult<Moved> revive_dead(Database& database, std::span<const std::string> ids) {
  Moved moved;
  for (const std::string& id : ids) {
    const auto taken = take_dead(database, id);
    if (!taken) return unexpected(taken.error());
    if (!*taken) continue;
    if (auto done = put_into_queue(database, **taken); !done) return unexpected(done.error());
    ++((*taken)->callback_jid ? moved.callbacks : moved.jobs);
  }
  return moved;
}

SqliteResult<std::int64_t> remove_dead(Database& database, std::span<const std::string> ids) {
  std::int64_t removed = 0;
  for (const std::string& id : ids) {
    const auto taken = take_dead(database, id);
    if (!taken) return unexpected(taken.error());
    if (!*taken) continue;
    if (auto done = forget_job(database, (*taken)->job); !done) return unexpected(done.error());
    ++removed;
  }
  return removed;
}

SqliteResult<std::int64_t> remove_dead_before(Database& database,
                                              std::chrono::system_clock::time_point before) {
  std::vector<std::string> ids;
  {
    Statement statement =
        database.statement("SELECT died, job FROM dead WHERE died < ? ORDER BY died, job");
    statement.bind(1, to_milliseconds(before));
    for (;;) {
      const SqliteResult<bool> row = statement.step();
      if (!row) return unexpected(row.error());
      if (!*row) break;
      ids.push_back(to_id(statement.integer(0), statement.integer(1)));
    }
  }
  return remove_dead(database, ids);
}

}  // namespace patient_http::jobs
