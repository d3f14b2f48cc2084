#pragma once

#include <optional>
#include <string>
#include <string_view>

// Changes to JSON text that leave every other byte as it is: jobs of other programs hold numbers
// and escapes that no parser gives back.
namespace patient_http::base {

// The text of a member of an object, or no value. Of a doubled key, the last.
// REQUIRES: `object` is the text of a valid JSON object.
[[nodiscard]] std::optional<std::string_view> find_json_member(std::string_view object,
                                                               std::string_view key);

// Replaces the value of a member, or adds the member at the end. `value` is JSON text.
// REQUIRES: `object` is the text of a valid JSON object, and `key` needs no escapes.
void set_json_member(std::string& object, std::string_view key, std::string_view value);

}  // namespace patient_http::base
