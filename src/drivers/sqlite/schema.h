#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "drivers/sqlite/database.h"

namespace patient_http::sqlite {

// The tables of a file of ours: its mark, its version (PRAGMA user_version), and how it gets there.
struct Schema {
  std::int32_t application_id = 0;
  std::int64_t version = 0;
  // The script that leads from an older version to this one; from 0, of a new file, too.
  std::function<std::string_view(std::int64_t from)> script;
};

// Brings a file to the version in one transaction; several processes may come here at once. A file
// of a later version is kOther, and not touched.
[[nodiscard]] SqliteResult<void> bring_to_version(Database& database, const Schema& schema);

}  // namespace patient_http::sqlite
