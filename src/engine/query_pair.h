#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace patient_http::engine {

// Appends "name=value", or "name" alone, form-encoded, to the query of `url`, which may be a
// request line's target and has no fragment. `url` may hold secrets: when it must move, what it
// leaves behind is wiped.
void append_query_pair(std::string& url, std::string_view name,
                       std::optional<std::string_view> value);

}  // namespace patient_http::engine
