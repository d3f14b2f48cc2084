#include "jobs/store_facts.h"

#include "jobs/totals.h"

namespace patient_http::jobs {

using sqlite::Database;
using sqlite::SqliteResult;
using sqlite::Statement;

namespace {

SqliteResult<void> add_total(Database& database, std::string_view name, double value) {
  if (value == 0) return {};
  return database.run(
      "INSERT INTO totals (name, value) VALUES (?, ?)"
      " ON CONFLICT DO UPDATE SET value = value + excluded.value",
      name, value);
}

}  // namespace

void add_request(Statistics& statistics, const RequestStatistics& request) {
  ++statistics.requests;
  statistics.duration += request.duration;
  if (request.error_type) {
    ++statistics.errors;
    ++statistics.errors_by_type[*request.error_type];
  }
  if (request.http_status) ++statistics.http_status[*request.http_status];
}

SqliteResult<void> add_statistics(Database& database, const Statistics& added) {
  auto done = add_total(database, "requests", static_cast<double>(added.requests));
  if (done) done = add_total(database, "duration", added.duration.count());
  if (done) done = add_total(database, "errors", static_cast<double>(added.errors));
  for (const auto& [type, count] : added.errors_by_type) {
    if (!done) return done;
    done = add_total(database, std::string(kErrorPrefix) + type, static_cast<double>(count));
  }
  for (const auto& [status, count] : added.http_status) {
    if (!done) return done;
    done = add_total(database, std::string(kStatusPrefix) + std::to_string(status),
                     static_cast<double>(count));
  }
  return done;
}

SqliteResult<Statistics> read_statistics(Database& database) {
  Statistics statistics;
  Statement statement = database.statement("SELECT name, value FROM totals");
  for (;;) {
    const SqliteResult<bool> row = statement.step();
    if (!row) return unexpected(row.error());
    if (!*row) return statistics;
    read_total(statistics, statement.text(0), statement.real(1));
  }
}

SqliteResult<JobCounts> count_jobs(Database& database) {
  Statement statement = database.statement(
      "SELECT (SELECT count(*) FROM ready), (SELECT count(*) FROM in_flight),"
      " (SELECT count(*) FROM schedule), (SELECT count(*) FROM callbacks_ready),"
      " (SELECT count(*) FROM callbacks_running), (SELECT count(*) FROM callbacks_schedule),"
      " (SELECT count(*) FROM dead)");
  const SqliteResult<bool> row = statement.step();
  if (!row) return unexpected(row.error());
  return JobCounts{statement.integer(0), statement.integer(1), statement.integer(2),
                   statement.integer(3), statement.integer(4), statement.integer(5),
                   statement.integer(6)};
}

SqliteResult<void> keep_notes(Database& database, std::span<const Note> notes) {
  for (const Note& note : notes) {
    auto done = database.run(
        "INSERT INTO notes (key, value) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET value = excluded.value",
        note.key, note.value);
    if (!done) return done;
  }
  return {};
}

SqliteResult<std::optional<std::string>> read_note(Database& database, std::string_view key) {
  Statement statement = database.statement("SELECT value FROM notes WHERE key = ?");
  statement.bind(1, key);
  const SqliteResult<bool> row = statement.step();
  if (!row) return unexpected(row.error());
  if (!*row) return std::nullopt;
  return std::string(statement.text(0));
}

}  // namespace patient_http::jobs
