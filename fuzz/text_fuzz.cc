// The text functions of base: UTF-8, base64, form encoding, JSON strings.
#include "base/text.h"

#include "base/json_text.h"
#include "base/url.h"
#include "fuzz/property.h"
#include "http/charset.h"

namespace {

using namespace patient_http;
using fuzz::require;

void check_utf8(std::string_view bytes) {
  const std::string valid = base::to_valid_utf8(bytes);
  require(base::is_valid_utf8(valid), "to_valid_utf8() gives UTF-8");
  require((valid == bytes) == base::is_valid_utf8(bytes), "UTF-8 stays as it is, and nothing else");
  require(!base::is_ascii(bytes) || base::is_valid_utf8(bytes), "ASCII is UTF-8");
  const auto json = Json::parse(base::json_string(valid));
  require(json && json->if_string() && *json->if_string() == valid, "json_string() reads back");
  const auto unescaped = Json::parse(std::string("\"").append(bytes).append("\""));
  require(!unescaped || base::is_valid_utf8(bytes), "a JSON text is UTF-8");
}

void check_base64(std::string_view bytes) {
  const std::string encoded = base::base64_encode(bytes);
  require(encoded.size() == (bytes.size() + 2) / 3 * 4, "base64 has four digits for three bytes");
  require(base::base64_decode(encoded) == bytes, "base64 decodes to what was encoded");
  require(base::base64_decode_lenient(encoded) == bytes, "… leniently too");

  const auto strict = base::base64_decode(bytes);
  const std::string lenient = base::base64_decode_lenient(bytes);
  require(!strict || *strict == lenient, "both ways read the same from what is well formed");
  require(lenient.size() <= bytes.size(), "decoding makes nothing longer");
}

void check_ascii(std::string_view bytes) {
  const std::string lower = base::ascii_lower(bytes);
  require(base::ascii_lower(lower) == lower, "lower case stays lower case");
  require(base::ascii_equal_ignoring_case(bytes, lower), "lower case is equal without case");
  const std::string_view trimmed = base::trim(bytes);
  require(base::trim(trimmed) == trimmed, "there is nothing to trim from what was trimmed");
  require(bytes.find(trimmed) != std::string_view::npos, "trim() gives a part");
  require(http::charset_kind(bytes) == http::charset_kind(lower), "charsets have no case");
}

void check_form(std::string_view bytes) {
  std::string encoded;
  base::append_form_encoded(encoded, bytes);
  require(base::form_decode(encoded) == bytes, "form encoding decodes to what was encoded");
  require(encoded.find_first_of("&=?# \r\n") == std::string::npos, "form encoding holds no marks");
  require(base::form_decode(bytes).size() <= bytes.size(), "decoding makes nothing longer");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  check_utf8(bytes);
  check_base64(bytes);
  check_ascii(bytes);
  check_form(bytes);
  return 0;
}
