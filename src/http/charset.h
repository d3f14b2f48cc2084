#pragma once

#include <string_view>

namespace patient_http::http {

// What a name of a character encoding, as Ruby knows it, says about bytes.
enum class CharsetKind {
  kUnknown,  // no encoding of Ruby's
  kBinary,   // ASCII-8BIT: says nothing
  kUtf8,
  kUsAscii,
  kAsciiCompatible,  // bytes below 128 are ASCII, others are not UTF-8: ISO-8859-1, Shift_JIS, …
  kWide,             // not even those: UTF-16, UTF-32, …
};

// Compares names without case.
[[nodiscard]] CharsetKind charset_kind(std::string_view name);

// Whether Ruby's String#force_encoding accepts the name.
[[nodiscard]] inline bool is_ruby_encoding(std::string_view name) {
  return charset_kind(name) != CharsetKind::kUnknown;
}

}  // namespace patient_http::http
