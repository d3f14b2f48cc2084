#include "patient_http/payload.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/json_text.h"
#include "base/text.h"
#include "drivers/codec/gzip.h"
#include "http/charset.h"

namespace patient_http {

namespace {

using http::CharsetKind;

constexpr std::string_view kUtf8 = "UTF-8";
constexpr std::string_view kUsAscii = "US-ASCII";
constexpr std::string_view kBinaryCharset = "ASCII-8BIT";
constexpr std::size_t kGzipFrom = 4096;

std::string_view name_of(Payload::Encoding encoding) {
  switch (encoding) {
    case Payload::Encoding::kText:
      return "text";
    case Payload::Encoding::kGzipped:
      return "gzipped";
    case Payload::Encoding::kBinary:
      break;
  }
  return "binary";
}

// As the gem tells them apart, case and all: its readers see no difference, but equal input gives
// equal JSON.
bool is_text_type(std::string_view content_type) {
  if (content_type.starts_with("text/")) return true;
  for (const std::string_view type :
       {"application/json", "application/xml", "application/javascript"}) {
    if (content_type.find(type) != std::string_view::npos) return true;
  }
  return false;
}

CharsetKind declared_charset(std::string_view content_type) {
  constexpr std::string_view kParameter = "charset=";
  const std::string lower = base::ascii_lower(content_type);
  const std::size_t found = lower.find(kParameter);
  if (found == std::string::npos) return CharsetKind::kUnknown;
  const auto begin = lower.begin() + static_cast<std::ptrdiff_t>(found + kParameter.size());
  const auto end = std::find_if(begin, lower.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_';
  });
  return http::charset_kind(std::string_view(begin, end));
}

struct Form {
  bool is_text = false;
  std::string_view charset = kBinaryCharset;
};

// The form of a body but for the question whether gzip makes it smaller. Not is_text: base64.
Form form_of(std::string_view body, std::string_view content_type) {
  if (!is_text_type(content_type)) return {};
  if (body.empty()) return {true, kUtf8};
  const bool ascii = base::is_ascii(body);
  const CharsetKind declared = declared_charset(content_type);
  // A Ruby reader takes the text of the JSON for UTF-8: such bytes would be misread.
  if (declared == CharsetKind::kWide) return {};
  if (declared == CharsetKind::kAsciiCompatible && !ascii) return {};
  if (ascii || declared == CharsetKind::kUtf8) return {true, kUtf8};
  return {true, declared == CharsetKind::kUsAscii ? kUsAscii : kBinaryCharset};
}

}  // namespace

Payload Payload::encode(std::string_view body, std::string_view content_type) {
  const Form form = form_of(body, content_type);
  if (form.is_text && body.size() >= kGzipFrom) {
    const std::string zipped = codec::gzip(body);
    if (zipped.size() < body.size()) {
      return Payload(Encoding::kGzipped, base::base64_encode(zipped), std::string(form.charset));
    }
  }
  if (form.is_text && base::is_valid_utf8(body)) {
    return Payload(Encoding::kText, std::string(body), std::string(form.charset));
  }
  return Payload(Encoding::kBinary, base::base64_encode(body), std::string(kBinaryCharset));
}

bool Payload::is_canonical(std::string_view decoded, std::string_view content_type) const {
  const Form form = form_of(decoded, content_type);
  if (form.is_text && decoded.size() >= kGzipFrom) return false;
  const bool as_text = form.is_text && base::is_valid_utf8(decoded);
  return encoding_ == (as_text ? Encoding::kText : Encoding::kBinary) &&
         charset_ == (as_text ? form.charset : kBinaryCharset);
}

Result<std::optional<Payload>> Payload::from_json(const Json& json) {
  if (json.is_null()) return std::nullopt;
  if (!json.is_object()) {
    return failure("must be an object or null, got " + std::string(json.type_name()));
  }
  const Json* charset = json.find("charset");
  std::string charset_name;
  if (charset && !charset->is_null()) {
    if (!charset->if_string() || !http::is_ruby_encoding(*charset->if_string())) {
      return failure("must have the name of an encoding as its charset, got " +
                     base::to_valid_utf8(charset->dump().substr(0, 40)));
    }
    charset_name = *charset->if_string();
  }
  const Json* value = json.find("value");
  if (!value || value->is_null()) return std::nullopt;
  if (!value->if_string()) {
    return failure("must have a text as its value, got " + std::string(value->type_name()));
  }
  const Json* encoding = json.find("encoding");
  const std::string* name = encoding ? encoding->if_string() : nullptr;
  for (const Encoding known : {Encoding::kText, Encoding::kBinary, Encoding::kGzipped}) {
    if (name && *name == name_of(known)) return Payload(known, *value->if_string(), charset_name);
  }
  return failure("must have the encoding text, binary or gzipped, got " +
                 (encoding ? base::to_valid_utf8(encoding->dump().substr(0, 40)) : "none"));
}

Result<std::optional<std::string>> Payload::decode_json(const Json& json, std::size_t max_size) {
  auto payload = from_json(json);
  if (!payload) return unexpected(std::move(payload.error()));
  if (!*payload) return std::nullopt;
  auto decoded = (*payload)->decode(max_size);
  if (!decoded) return unexpected(std::move(decoded.error()));
  return std::move(*decoded);
}

Result<std::string> Payload::decode(std::size_t max_size) const {
  const auto too_large = [max_size] {
    return failure("is larger than " + std::to_string(max_size) + " bytes");
  };
  if (encoding_ == Encoding::kText) {
    if (value_.size() > max_size) return too_large();
    return value_;
  }
  std::string bytes = base::base64_decode_lenient(value_);
  if (encoding_ == Encoding::kGzipped) return codec::gunzip(bytes, max_size);
  if (bytes.size() > max_size) return too_large();
  return bytes;
}

Json Payload::to_json() const {
  return Json::object({{"encoding", name_of(encoding_)},
                       {"value", value_},
                       {"charset", charset_.empty() ? Json() : Json(charset_)}});
}

void Payload::append_json(std::string& out) const {
  out += R"({"encoding":")";
  out += name_of(encoding_);
  out += R"(","value":)";
  base::append_json_string(out, value_);
  out += R"(,"charset":)";
  if (charset_.empty()) {
    out += "null";
  } else {
    base::append_json_string(out, charset_);
  }
  out += '}';
}

}  // namespace patient_http
