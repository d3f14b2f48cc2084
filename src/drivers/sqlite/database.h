#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/sqlite/sqlite_failure.h"

namespace patient_http::sqlite {

enum class Synchronous {
  kNormal,  // survives the death of the process; a power cut may undo the last commits
  kFull,    // survives a power cut: every commit waits for the disk
};

struct OpenOptions {
  std::string path;
  Synchronous synchronous = Synchronous::kFull;
  // How long a lock that another process holds is waited for.
  std::chrono::milliseconds busy_timeout{5000};
  // Of a new file; an existing one keeps its own.
  int page_size = 16384;
  // Marks our files. A database that has tables and another mark is refused, untouched.
  // 0: any database will do.
  std::int32_t application_id = 0;
};

// One value of a parameter. Text and blobs are borrowed until the statement has run.
struct Blob {
  std::string_view bytes;
};

class Statement;

// One connection to one SQLite file in WAL mode. A new file has mode 0600, and so have the -wal
// and -shm files that SQLite makes beside it.
//
// Thread safety: one thread at a time. Ownership: statements borrow the database, which must
// outlive them. Moving it keeps them valid.
class Database {
 public:
  struct Impl;

  [[nodiscard]] static SqliteResult<Database> open(const OpenOptions& options);
  ~Database();
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;

  // Runs one or more statements without parameters and discards their rows.
  [[nodiscard]] SqliteResult<void> execute(const std::string& sql);

  // A prepared statement, compiled once per connection and text. A mistake in the text comes out
  // of its first step(). At most one Statement of one text may be in use at a time.
  [[nodiscard]] Statement statement(std::string_view sql);

  // Runs `sql` with its parameters to the end.
  template <class... Values>
  [[nodiscard]] SqliteResult<void> run(std::string_view sql, const Values&... values);

  // The same, and gives the first column of the only row, if there is one.
  template <class... Values>
  [[nodiscard]] SqliteResult<std::optional<std::int64_t>> integer(std::string_view sql,
                                                                  const Values&... values);

  // Rows changed by the last INSERT, UPDATE or DELETE.
  [[nodiscard]] std::int64_t changes() const;
  // False also when SQLite rolled a transaction back by itself, as it does on some I/O errors.
  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] const std::string& path() const;

 private:
  explicit Database(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

// A statement in use; its destructor makes it free for the next use.
//
// Failures of preparing and binding are kept and come out of step().
class Statement {
 public:
  struct Prepared;

  Statement(Database::Impl& database, Prepared* prepared, std::optional<SqliteFailure> failure);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // The parameter with this number, from 1. Text and blobs must outlive the last step().
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, Blob blob);
  Statement& bind(int index, double value);
  Statement& bind(int index, std::nullptr_t);
  template <std::integral Integer>
  Statement& bind(int index, Integer value) {
    return bind_integer(index, static_cast<std::int64_t>(value));
  }

  // True: there is a row. False: done.
  [[nodiscard]] SqliteResult<bool> step();
  // Steps to the end.
  [[nodiscard]] SqliteResult<void> run();
  // Makes it ready for new values and another run.
  void reset();

  // The column with this number, from 0, of the current row. Views end with the next step().
  // REQUIRES: step() gave a row.
  [[nodiscard]] std::string_view text(int column) const;  // of a blob too
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  Statement& bind_integer(int index, std::int64_t value);
  Statement& note_binding(int code);

  Database::Impl& database_;
  Prepared* prepared_;  // owned by the database; null when preparing failed
  std::optional<SqliteFailure> failure_;
};

template <class... Values>
SqliteResult<void> Database::run(std::string_view sql, const Values&... values) {
  Statement prepared = statement(sql);
  int index = 0;
  (prepared.bind(++index, values), ...);
  return prepared.run();
}

template <class... Values>
SqliteResult<std::optional<std::int64_t>> Database::integer(std::string_view sql,
                                                            const Values&... values) {
  Statement prepared = statement(sql);
  int index = 0;
  (prepared.bind(++index, values), ...);
  const SqliteResult<bool> row = prepared.step();
  if (!row) return unexpected(row.error());
  if (!*row) return std::nullopt;
  const std::int64_t value = prepared.integer(0);
  const SqliteResult<void> end = prepared.run();
  if (!end) return unexpected(end.error());
  return value;
}

}  // namespace patient_http::sqlite
