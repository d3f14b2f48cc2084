#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace patient_http::engine {

// Texts that may hold secrets: when one must move to grow, what it leaves behind is wiped.

// Appends `more` to `text`.
void append_wiping(std::string& text, std::string_view more);

// Appends "name=value", or "name" alone, form-encoded, to the query of `url`, which may be a
// request line's target and has no fragment.
void append_query_pair(std::string& url, std::string_view name,
                       std::optional<std::string_view> value);

}  // namespace patient_http::engine
