#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "patient_http/json.h"
#include "patient_http/result.h"

namespace patient_http {

// A body as it stands in JSON: `{"encoding","value","charset"}`, the form of the Ruby gem
// (docs/protocol.md). The rule that chooses encoding and charset is in encode().
class Payload {
 public:
  enum class Encoding { kText, kBinary, kGzipped };

  // Chooses the form for a body with this content type (empty when there is none):
  // text types in UTF-8 as text, gzipped from 4,096 bytes on when that is smaller, anything else
  // as base64. Bytes that a Ruby reader would misread always go as base64.
  [[nodiscard]] static Payload encode(std::string_view body, std::string_view content_type);

  // Whether encode() gives this encoding and charset for what decode() gave. Not known of a long
  // text, which has to be compressed to find out: false then.
  [[nodiscard]] bool is_canonical(std::string_view decoded, std::string_view content_type) const;

  // Reads the stored form. Null gives nothing, and so does a null value. Fails on an unknown
  // encoding, on a charset that is no name of a Ruby encoding, and on what is not text.
  [[nodiscard]] static Result<std::optional<Payload>> from_json(const Json& json);

  // from_json() and decode() in one. Fails on an unknown encoding or charset, bad gzip, or more
  // than `max_size` decoded bytes. Base64 is read as leniently as Ruby reads it.
  [[nodiscard]] static Result<std::optional<std::string>> decode_json(
      const Json& json, std::size_t max_size = kMaxDecodedSize);

  // The bytes, whatever the charset: they are never converted. Same failures.
  [[nodiscard]] Result<std::string> decode(std::size_t max_size = kMaxDecodedSize) const;

  [[nodiscard]] Encoding encoding() const noexcept { return encoding_; }
  [[nodiscard]] const std::string& value() const noexcept { return value_; }
  [[nodiscard]] const std::string& charset() const noexcept { return charset_; }

  [[nodiscard]] Json to_json() const;
  // to_json().dump() without building the value.
  void append_json(std::string& out) const;

  bool operator==(const Payload&) const = default;

  // A gzipped value that inflates to more is refused, not inflated.
  static constexpr std::size_t kMaxDecodedSize = std::size_t{1} << 30;

 private:
  Payload(Encoding encoding, std::string value, std::string charset)
      : encoding_(encoding), value_(std::move(value)), charset_(std::move(charset)) {}

  Encoding encoding_;
  std::string value_;
  std::string charset_;
};

}  // namespace patient_http
