#include "drivers/sqlite/sqlite_error.h"

#include <sqlite3.h>

namespace patient_http::sqlite {

SqliteFailure::Kind kind_of(int extended_code) {
  using Kind = SqliteFailure::Kind;
  switch (extended_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Kind::kBusy;
    case SQLITE_FULL:
      return Kind::kFull;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
    case SQLITE_NOLFS:
      return Kind::kIo;
    case SQLITE_CORRUPT:
      return Kind::kCorrupt;
    case SQLITE_NOTADB:
      return Kind::kNotADatabase;
    default:
      return Kind::kOther;
  }
}

SqliteFailure make_failure(int extended_code, std::string_view attempt, std::string_view path,
                           std::string_view reason) {
  std::string message = "cannot ";
  message += attempt;
  message += " on ";
  message += path;
  message += ": ";
  message += reason;
  message += " (SQLite code " + std::to_string(extended_code) + ")";
  return SqliteFailure{kind_of(extended_code), std::move(message)};
}

}  // namespace patient_http::sqlite
