#pragma once

#include <string_view>

namespace patient_http::http {

// Whether `text` can be a header's name: a token (RFC 9110 §5.6.2).
[[nodiscard]] bool is_header_name(std::string_view text);
// Whether `text` can be a header's value: without CR, LF or another control character but tab.
[[nodiscard]] bool is_header_value(std::string_view text);

}  // namespace patient_http::http
