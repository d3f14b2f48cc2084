#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/invalid_value.h"
#include "patient_http/json.h"
#include "patient_http/result.h"

// Reading the members of our JSON forms as leniently as Ruby: a missing member is a null one.
namespace patient_http::http {

// The member, or null.
[[nodiscard]] const Json& member(const Json& object, std::string_view key);

// A text; null gives an empty one.
[[nodiscard]] Result<std::string, InvalidValue> read_text(const Json& object, std::string_view key);

// A list of texts; null gives an empty one.
[[nodiscard]] Result<std::vector<std::string>, InvalidValue> read_texts(const Json& object,
                                                                        std::string_view key);

// A number of seconds or null, as it was written.
[[nodiscard]] Result<Json, InvalidValue> read_seconds(const Json& object, std::string_view key);

[[nodiscard]] Json to_json(const std::vector<std::string>& texts);

// The first text or key in `value` that is not UTF-8, or nesting deeper than `max_depth`; `field`
// names `value` itself.
[[nodiscard]] std::optional<InvalidValue> find_unwritable(const Json& value,
                                                          const std::string& field,
                                                          std::size_t max_depth);

}  // namespace patient_http::http
