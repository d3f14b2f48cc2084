#include "jobs/payload_table.h"

namespace patient_http::jobs {

using sqlite::Database;
using sqlite::SqliteResult;
using sqlite::Statement;

SqliteResult<void> note_payloads(Database& database, std::int64_t process,
                                 std::span<const std::string> payloads) {
  for (const std::string& payload : payloads) {
    auto done = database.run(
        "INSERT INTO stored_payloads (reference, process) VALUES (?, ?) ON CONFLICT DO NOTHING",
        payload, process);
    if (!done) return done;
  }
  return {};
}

SqliteResult<void> use_payload(Database& database, const std::optional<std::string>& payload,
                               std::int64_t job) {
  if (!payload) return {};
  return database.run(
      "INSERT INTO stored_payloads (reference, job) VALUES (?, ?)"
      " ON CONFLICT DO UPDATE SET job = excluded.job, process = NULL",
      *payload, job);
}

SqliteResult<void> drop_unused_payload(Database& database,
                                       const std::optional<std::string>& payload) {
  if (!payload) return {};
  return database.run(
      "UPDATE stored_payloads SET process = NULL WHERE reference = ? AND job IS NULL", *payload);
}

SqliteResult<void> release_payloads(Database& database, std::int64_t job) {
  return database.run("UPDATE stored_payloads SET job = NULL, process = NULL WHERE job = ?", job);
}

SqliteResult<std::vector<std::string>> list_unneeded_payloads(Database& database, std::size_t most,
                                                              std::string_view after) {
  std::vector<std::string> payloads;
  Statement statement = database.statement(
      "SELECT reference FROM stored_payloads WHERE job IS NULL AND reference > ?"
      " AND (process IS NULL OR process NOT IN (SELECT number FROM processes))"
      " ORDER BY reference LIMIT ?");
  statement.bind(1, after).bind(2, static_cast<std::int64_t>(most));
  for (;;) {
    const SqliteResult<bool> row = statement.step();
    if (!row) return unexpected(row.error());
    if (!*row) return payloads;
    payloads.emplace_back(statement.text(0));
  }
}

SqliteResult<void> remove_payloads(Database& database, std::span<const std::string> payloads) {
  for (const std::string& payload : payloads) {
    auto done =
        database.run("DELETE FROM stored_payloads WHERE reference = ? AND job IS NULL", payload);
    if (!done) return done;
  }
  return {};
}

}  // namespace patient_http::jobs
