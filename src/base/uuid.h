#pragma once

#include <string>
#include <string_view>

namespace patient_http::base {

// A random UUID (version 4) in lower case: "2f1c…-…". Random bytes come from the kernel.
[[nodiscard]] std::string random_uuid();

// `bytes` random bytes as lower-case hex digits.
[[nodiscard]] std::string random_hex(std::size_t bytes);

// Whether `text` has the form 8-4-4-4-12 of hex digits.
[[nodiscard]] bool is_uuid(std::string_view text);

}  // namespace patient_http::base
