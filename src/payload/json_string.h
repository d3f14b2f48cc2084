#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace patient_http::payload {

// One JSON string as a whole text. Json would do as well, but leaves its copies in memory that is
// not overwritten.

// What ActiveSupport::JSON.encode makes of a string: as JSON.generate, and '<', '>', '&', U+2028
// and U+2029 escaped too. REQUIRES: valid UTF-8.
[[nodiscard]] std::string dump_json_string(std::string_view text);

// Nothing when `json` is anything else than one JSON string.
[[nodiscard]] std::optional<std::string> load_json_string(std::string_view json);

}  // namespace patient_http::payload
