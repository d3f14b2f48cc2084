#pragma once

#include <string>
#include <string_view>

#include "drivers/sqlite/sqlite_failure.h"

// What the files of this folder share about SQLite's result codes; nobody else includes it.
namespace patient_http::sqlite {

[[nodiscard]] SqliteFailure::Kind kind_of(int extended_code);

// "cannot <attempt> on <path>: <reason> (SQLite code 778)".
[[nodiscard]] SqliteFailure make_failure(int extended_code, std::string_view attempt,
                                         std::string_view path, std::string_view reason);

}  // namespace patient_http::sqlite
