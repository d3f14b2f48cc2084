#pragma once

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/json.h"

namespace patient_http::golden {

// How the cases of one file, or of all, came out.
struct Tally {
  std::size_t passed = 0;
  std::size_t as_decided = 0;  // otherwise than the original, as DEVIATIONS.json has it
  std::size_t not_applicable = 0;
  std::size_t own = 0;      // covered by tests of our own
  std::size_t not_yet = 0;  // not to be judged by what is linked in here
  std::size_t failed = 0;

  Tally& operator+=(const Tally& other);
};

// The files of golden folders, in the order in which they are checked.
[[nodiscard]] const std::vector<std::string_view>& file_names();

// Checks `folder / name` and prints a line on it, and one on each case that failed. `deviations`
// is all of DEVIATIONS.json. REQUIRES: the file exists, and is in file_names().
Tally check_file(const std::filesystem::path& folder, std::string_view name, const Json& deviations,
                 std::ostream& out);

// The JSON in a file.
[[nodiscard]] Result<Json> read_json(const std::filesystem::path& path);

}  // namespace patient_http::golden
