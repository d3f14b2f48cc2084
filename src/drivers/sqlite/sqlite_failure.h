#pragma once

#include <string>

#include "patient_http/result.h"

namespace patient_http::sqlite {

// Why SQLite did not do it. The message says what was tried, on which file, and what came back;
// it holds no bound value.
struct SqliteFailure {
  enum class Kind {
    kBusy,          // another process kept its lock for longer than the busy timeout
    kFull,          // no room on the disk
    kIo,            // the disk, a permission, the memory: may work again later
    kCorrupt,       // an SQLite file whose pages contradict each other
    kNotADatabase,  // some other file; it was not touched
    kOther,         // a mistake in the SQL or in its use, a constraint, a value too large
  };
  Kind kind;
  std::string message;
};

template <class T>
using SqliteResult = Result<T, SqliteFailure>;

}  // namespace patient_http::sqlite
