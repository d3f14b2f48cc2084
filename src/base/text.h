#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>

// ASCII, UTF-8 and numbers: what the standard library leaves out or makes depend on the locale.
namespace patient_http::base {

[[nodiscard]] std::string ascii_lower(std::string_view text);
[[nodiscard]] bool ascii_equal_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string_view trim(std::string_view text);  // spaces, tabs, CR and LF

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_valid_utf8(std::string_view bytes);
[[nodiscard]] bool is_ascii(std::string_view bytes);

// `bytes` with each run of bytes that is not UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string to_valid_utf8(std::string_view bytes);

// With so many digits, at most 9, after a point.
[[nodiscard]] std::string fixed_number(double value, int digits);
// The number that the text begins with, or 0.
[[nodiscard]] double leading_number(std::string_view text);

// What an exception of the user's says; empty also when its what() gives a null pointer.
[[nodiscard]] std::string_view what_of(const std::exception& error);

// Two lower-case digits a byte.
[[nodiscard]] std::string hex_encode(std::string_view bytes);

// Standard alphabet with padding, without line breaks (RFC 4648 §4).
[[nodiscard]] std::string base64_encode(std::string_view bytes);
// White space is skipped; empty when anything else is wrong.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
// The same as Ruby's unpack("m") reads it: characters outside the alphabet are skipped, padding
// ends the text, a digit too few or too many is dropped.
[[nodiscard]] std::string base64_decode_lenient(std::string_view text);

}  // namespace patient_http::base
