#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace patient_http::payload {

// Ruby's Marshal format 4.8, as far as one string needs it.

// The longest string that Marshal can write.
inline constexpr std::size_t kMostMarshalBytes = 0x7fffffff;

[[nodiscard]] bool is_marshal(std::string_view bytes);

// What Marshal.dump makes of a UTF-8 string. REQUIRES: at most kMostMarshalBytes.
[[nodiscard]] std::string dump_marshal_string(std::string_view text);

// The bytes of the one string in `bytes`, UTF-8, US-ASCII or binary, or of another encoding when
// all are ASCII. Nothing when it is something else, cut off, or not alone.
[[nodiscard]] std::optional<std::string_view> load_marshal_string(std::string_view bytes);

}  // namespace patient_http::payload
