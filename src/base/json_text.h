#pragma once

#include <string>
#include <string_view>

// JSON as text: the pieces that writers put together without building a value.
namespace patient_http::base {

// Appends `text` in quotes, escaped as Ruby's JSON does it. REQUIRES: valid UTF-8.
void append_json_string(std::string& out, std::string_view text);
[[nodiscard]] std::string json_string(std::string_view text);

// Ruby's Float#to_s: the shortest digits that read back the same, always with a point, in exponent
// form below 0.0001 and from 1.0e+15 on. REQUIRES: a finite value.
[[nodiscard]] std::string ruby_float(double value);

}  // namespace patient_http::base
