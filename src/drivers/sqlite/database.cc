#include "drivers/sqlite/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "drivers/sqlite/sqlite_error.h"

namespace patient_http::sqlite {

namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

}  // namespace

struct Statement::Prepared {
  sqlite3_stmt* handle = nullptr;
  bool is_in_use = false;
};

struct Database::Impl {
  explicit Impl(std::string file) : path(std::move(file)) {}
  ~Impl() {
    for (auto& [sql, prepared] : statements) sqlite3_finalize(prepared.handle);
    sqlite3_close(handle);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] SqliteFailure failure(std::string_view attempt) const {
    return make_failure(sqlite3_extended_errcode(handle), attempt, path, sqlite3_errmsg(handle));
  }
  [[nodiscard]] SqliteFailure statement_failure(std::string_view sql) const {
    constexpr std::size_t kMost = 80;
    std::string attempt = "run \"";
    attempt += sql.substr(0, kMost);
    attempt += sql.size() > kMost ? "…\"" : "\"";
    return failure(attempt);
  }

  std::string path;
  sqlite3* handle = nullptr;
  // Node-based: a Statement keeps the address of its entry.
  std::unordered_map<std::string, Statement::Prepared, TextHash, std::equal_to<>> statements;
};

namespace {

// SQLite makes files with the mode 0644; what it makes beside the database takes its mode. The
// file is only ever opened here when it is new: closing a descriptor of a database that this
// process has open elsewhere would drop that connection's POSIX locks.
SqliteResult<void> create_private_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) {
    ::close(descriptor);
    return {};
  }
  if (errno == EEXIST) return {};
  return unexpected(
      SqliteFailure{SqliteFailure::Kind::kIo,
                    "cannot create " + path + ": " + std::generic_category().message(errno)});
}

SqliteResult<void> check_application_id(Database& database, const OpenOptions& options) {
  const auto tables = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return unexpected(tables.error());
  const auto id = database.integer("PRAGMA application_id");
  if (!id) return unexpected(id.error());
  if (options.application_id == 0 || tables->value_or(0) == 0 || **id == options.application_id)
    return {};
  return unexpected(SqliteFailure{
      SqliteFailure::Kind::kNotADatabase,
      "cannot use " + options.path + ": it is an SQLite database of another program"});
}

// SQLite does not call its busy handler for this change when two connections make it at once.
SqliteResult<void> switch_to_wal(Database& database, const OpenOptions& options) {
  constexpr int kPauseMilliseconds = 5;
  const auto deadline = std::chrono::steady_clock::now() + options.busy_timeout;
  for (;;) {
    SqliteResult<void> done = database.run("PRAGMA journal_mode = WAL");
    if (done || done.error().kind != SqliteFailure::Kind::kBusy ||
        std::chrono::steady_clock::now() >= deadline)
      return done;
    sqlite3_sleep(kPauseMilliseconds);
  }
}

SqliteResult<void> configure(Database& database, const OpenOptions& options) {
  SqliteResult<void> done =
      database.execute("PRAGMA page_size = " + std::to_string(options.page_size));
  if (done) done = check_application_id(database, options);
  if (done) done = switch_to_wal(database, options);
  if (done) {
    // Debian compiles SQLite with secure_delete on, which rewrites every page that it frees. A
    // -wal file of up to 64 MB between checkpoints, where SQLite's 1,000 pages would be 16 MB,
    // spares writing the pages that change with every step (measured: a third more steps).
    done = database.execute(
        std::string("PRAGMA secure_delete = FAST; PRAGMA journal_size_limit = 67108864;"
                    "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -16384;"
                    "PRAGMA synchronous = ") +
        (options.synchronous == Synchronous::kFull ? "FULL" : "NORMAL"));
  }
  return done;
}

}  // namespace

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;

SqliteResult<Database> Database::open(const OpenOptions& options) {
  if (SqliteResult<void> created = create_private_file(options.path); !created)
    return unexpected(std::move(created.error()));
  auto impl = std::make_unique<Impl>(options.path);
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(options.path.c_str(), &impl->handle, kFlags, nullptr);
  if (code != SQLITE_OK)
    return unexpected(make_failure(code, "open the database", options.path, sqlite3_errstr(code)));
  sqlite3_busy_timeout(impl->handle, static_cast<int>(options.busy_timeout.count()));
  Database database(std::move(impl));
  if (SqliteResult<void> done = configure(database, options); !done)
    return unexpected(std::move(done.error()));
  return database;
}

SqliteResult<void> Database::execute(const std::string& sql) {
  if (sqlite3_exec(impl_->handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return unexpected(impl_->statement_failure(sql));
  return {};
}

Statement Database::statement(std::string_view sql) {
  auto found = impl_->statements.find(sql);
  if (found == impl_->statements.end()) {
    sqlite3_stmt* handle = nullptr;
    const int code = sqlite3_prepare_v3(impl_->handle, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
    if (code != SQLITE_OK) return Statement(*impl_, nullptr, impl_->statement_failure(sql));
    found = impl_->statements.emplace(std::string(sql), Statement::Prepared{handle, false}).first;
  }
  Statement::Prepared& prepared = found->second;
  if (prepared.is_in_use) {
    return Statement(
        *impl_, nullptr,
        SqliteFailure{SqliteFailure::Kind::kOther,
                      "a statement is used twice at once: \"" + std::string(sql) + "\""});
  }
  prepared.is_in_use = true;
  return Statement(*impl_, &prepared, std::nullopt);
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(impl_->handle);
}
bool Database::in_transaction() const {
  return sqlite3_get_autocommit(impl_->handle) == 0;
}
const std::string& Database::path() const {
  return impl_->path;
}

Statement::Statement(Database::Impl& database, Prepared* prepared,
                     std::optional<SqliteFailure> failure)
    : database_(database), prepared_(prepared), failure_(std::move(failure)) {}

Statement::~Statement() {
  if (prepared_ == nullptr) return;
  reset();
  prepared_->is_in_use = false;
}

void Statement::reset() {
  if (prepared_ == nullptr) return;
  sqlite3_reset(prepared_->handle);
  sqlite3_clear_bindings(prepared_->handle);
}

Statement& Statement::note_binding(int code) {
  if (code != SQLITE_OK && !failure_)
    failure_ = database_.statement_failure(sqlite3_sql(prepared_->handle));
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  if (prepared_ == nullptr) return *this;
  // An empty view may have no address, which SQLite would take for NULL.
  return note_binding(sqlite3_bind_text64(prepared_->handle, index, text.empty() ? "" : text.data(),
                                          text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

Statement& Statement::bind(int index, Blob blob) {
  if (prepared_ == nullptr) return *this;
  return note_binding(sqlite3_bind_blob64(prepared_->handle, index,
                                          blob.bytes.empty() ? "" : blob.bytes.data(),
                                          blob.bytes.size(), SQLITE_STATIC));
}

Statement& Statement::bind(int index, double value) {
  if (prepared_ == nullptr) return *this;
  return note_binding(sqlite3_bind_double(prepared_->handle, index, value));
}

Statement& Statement::bind(int index, std::nullptr_t) {
  if (prepared_ == nullptr) return *this;
  return note_binding(sqlite3_bind_null(prepared_->handle, index));
}

Statement& Statement::bind_integer(int index, std::int64_t value) {
  if (prepared_ == nullptr) return *this;
  return note_binding(sqlite3_bind_int64(prepared_->handle, index, value));
}

SqliteResult<bool> Statement::step() {
  if (failure_) return unexpected(*failure_);
  const int code = sqlite3_step(prepared_->handle);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return unexpected(database_.statement_failure(sqlite3_sql(prepared_->handle)));
}

SqliteResult<void> Statement::run() {
  for (;;) {
    const SqliteResult<bool> row = step();
    if (!row) return unexpected(row.error());
    if (!*row) return {};
  }
}

std::string_view Statement::text(int column) const {
  const void* const data = sqlite3_column_blob(prepared_->handle, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(prepared_->handle, column));
  return {data == nullptr ? "" : static_cast<const char*>(data), size};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(prepared_->handle, column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(prepared_->handle, column);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(prepared_->handle, column) == SQLITE_NULL;
}

}  // namespace patient_http::sqlite
