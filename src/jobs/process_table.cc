#include "jobs/process_table.h"

#include <algorithm>

namespace patient_http::jobs {

using sqlite::Database;
using sqlite::SqliteResult;
using sqlite::Statement;

namespace {

struct Held {
  std::int64_t job;
  std::int64_t position;
  std::string jid;  // of a callback
};

SqliteResult<std::vector<Held>> held_by(Database& database, std::string_view sql,
                                        const std::vector<std::int64_t>& processes) {
  std::vector<Held> held;
  for (const std::int64_t process : processes) {
    Statement statement = database.statement(sql);
    statement.bind(1, process);
    for (;;) {
      const SqliteResult<bool> row = statement.step();
      if (!row) return unexpected(row.error());
      if (!*row) break;
      held.push_back({statement.integer(0), statement.integer(1), std::string(statement.text(2))});
    }
  }
  std::sort(held.begin(), held.end(),
            [](const Held& a, const Held& b) { return a.position < b.position; });
  return held;
}

SqliteResult<void> count_rescue(Database& database, std::int64_t job, std::int64_t now) {
  constexpr std::int64_t kHour = 3'600'000;
  auto done = database.run("DELETE FROM rescues WHERE job = ? AND rescued <= ?", job, now - kHour);
  if (!done) return done;
  return database.run(
      "INSERT INTO rescues (job, number, rescued)"
      " SELECT ?1, coalesce(max(number), 0) + 1, ?2 FROM rescues WHERE job = ?1",
      job, now);
}

SqliteResult<void> count_deaths(Database& database, const std::vector<std::int64_t>& processes) {
  for (const std::int64_t process : processes) {
    auto done = database.run(
        "INSERT INTO deaths (job, count) SELECT in_flight.job, 1 FROM suspects JOIN in_flight"
        " ON in_flight.process = suspects.process AND in_flight.claim = suspects.claim"
        " WHERE suspects.process = ? ON CONFLICT DO UPDATE SET count = count + 1",
        process);
    if (!done) return done;
  }
  return {};
}

SqliteResult<void> put_back_jobs(Database& database, const std::vector<Held>& held,
                                 std::int64_t now) {
  auto position = reserve_numbers(database, held.size());
  if (!position) return unexpected(position.error());
  for (const Held& job : held) {
    auto done =
        database.run("INSERT INTO ready (position, job) VALUES (?, ?)", (*position)++, job.job);
    if (done) done = count_rescue(database, job.job, now);
    if (!done) return done;
  }
  return {};
}

SqliteResult<void> put_back_callbacks(Database& database, const std::vector<Held>& held,
                                      std::int64_t now) {
  auto position = reserve_numbers(database, held.size());
  if (!position) return unexpected(position.error());
  for (const Held& callback : held) {
    auto done = database.run("INSERT INTO callbacks_ready (position, job, jid) VALUES (?, ?, ?)",
                             (*position)++, callback.job, callback.jid);
    if (done) done = count_rescue(database, callback.job, now);
    if (!done) return done;
  }
  return {};
}

SqliteResult<void> remove_processes(Database& database,
                                    const std::vector<std::int64_t>& processes) {
  for (const std::int64_t process : processes) {
    auto done = database.run("DELETE FROM in_flight WHERE process = ?", process);
    if (done) done = database.run("DELETE FROM callbacks_running WHERE process = ?", process);
    if (done) done = database.run("DELETE FROM suspects WHERE process = ?", process);
    if (done) done = database.run("DELETE FROM processes WHERE number = ?", process);
    if (!done) return done;
  }
  return {};
}

}  // namespace

std::string_view RegisteredProcess::token() const {
  // Without a colon, npos + 1 is 0: all of it.
  return std::string_view(name).substr(name.rfind(':') + 1);
}

std::string_view RegisteredProcess::pid() const {
  const std::string_view prefix = std::string_view(name).substr(0, name.rfind(':'));
  return prefix.substr(prefix.rfind(':') + 1);
}

SqliteResult<std::vector<RegisteredProcess>> list_processes(Database& database) {
  std::vector<RegisteredProcess> processes;
  Statement statement =
      database.statement("SELECT number, name, is_exclusive FROM processes ORDER BY number");
  for (;;) {
    const SqliteResult<bool> row = statement.step();
    if (!row) return unexpected(row.error());
    if (!*row) return processes;
    processes.push_back(
        {statement.integer(0), std::string(statement.text(1)), statement.integer(2) != 0});
  }
}

SqliteResult<std::int64_t> register_process(Database& database, const std::string& name,
                                            bool is_exclusive) {
  const auto number =
      database.integer("INSERT INTO processes (name, is_exclusive) VALUES (?, ?) RETURNING number",
                       name, is_exclusive);
  if (!number) return unexpected(number.error());
  return number->value_or(0);
}

SqliteResult<void> keep_registered(Database& database, const Claimant& claimant) {
  return database.run(
      "INSERT INTO processes (number, name, is_exclusive) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      claimant.process, claimant.name, claimant.is_exclusive);
}

SqliteResult<bool> unregister_if_idle(Database& database, std::int64_t process) {
  auto done = database.run(
      "DELETE FROM processes WHERE number = ?1"
      " AND NOT EXISTS (SELECT 1 FROM in_flight WHERE process = ?1)"
      " AND NOT EXISTS (SELECT 1 FROM callbacks_running WHERE process = ?1)",
      process);
  if (!done) return unexpected(done.error());
  if (database.changes() == 0) return false;
  done = database.run("DELETE FROM suspects WHERE process = ?", process);
  if (!done) return unexpected(done.error());
  return true;
}

SqliteResult<Moved> rescue_from(Database& database, const std::vector<std::int64_t>& dead_processes,
                                std::chrono::system_clock::time_point now) {
  const auto jobs = held_by(database, "SELECT job, position, '' FROM in_flight WHERE process = ?",
                            dead_processes);
  if (!jobs) return unexpected(jobs.error());
  const auto callbacks =
      held_by(database, "SELECT job, position, jid FROM callbacks_running WHERE process = ?",
              dead_processes);
  if (!callbacks) return unexpected(callbacks.error());
  auto done = count_deaths(database, dead_processes);
  if (done) done = put_back_jobs(database, *jobs, to_milliseconds(now));
  if (done) done = put_back_callbacks(database, *callbacks, to_milliseconds(now));
  if (done) done = remove_processes(database, dead_processes);
  if (!done) return unexpected(done.error());
  return Moved{static_cast<std::int64_t>(jobs->size()),
               static_cast<std::int64_t>(callbacks->size())};
}

}  // namespace patient_http::jobs
