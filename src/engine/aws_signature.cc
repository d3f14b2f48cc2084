#include "engine/aws_signature.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <map>

#include "base/text.h"
#include "base/url.h"
#include "drivers/crypto/hmac.h"
#include "drivers/crypto/sha256.h"
#include "drivers/crypto/wipe.h"

namespace patient_http::engine {

namespace {

using crypto::HmacDigest;
using crypto::SecretBytes;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTermination = "aws4_request";
constexpr std::size_t kDateLength = std::string_view("20150830").size();

// Percent-encodes all but the unreserved characters of RFC 3986 and those of `kept`.
void append_encoded(std::string& out, std::string_view text, std::string_view kept) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) || c == '-' || c == '.' || c == '_' || c == '~' ||
        kept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
}

// '+' is a character of a path, and a space in a query.
std::string decode_path(std::string_view path) {
  std::string decoded;
  decoded.reserve(path.size());
  while (!path.empty()) {
    const std::size_t plus = std::min(path.find('+'), path.size());
    decoded += base::form_decode(path.substr(0, plus));
    if (plus == path.size()) break;
    decoded += '+';
    path.remove_prefix(plus + 1);
  }
  return decoded;
}

// Without "." and "..", and one slash for several in a row.
std::string normalized_path(std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), segment.size() + 1));
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
  }
  std::string normalized;
  for (const std::string_view segment : segments) normalized.append("/").append(segment);
  if (normalized.empty() || path.ends_with('/')) normalized += '/';
  return normalized;
}

void append_path(std::string& out, const AwsRequest& request) {
  append_encoded(out,
                 request.path_rule == AwsPath::kOfS3 ? decode_path(request.path)
                                                     : normalized_path(request.path),
                 "/");
}

// Sorted by name, and then by value, as they are encoded here.
void append_query(std::string& out, std::string_view query) {
  std::vector<std::pair<std::string, std::string>> params;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto& [name, value] = params.emplace_back();
    std::string decoded = base::form_decode(pair.substr(0, equals));
    append_encoded(name, decoded, "");
    crypto::wipe(decoded);
    if (equals == pair.size()) continue;
    decoded = base::form_decode(pair.substr(equals + 1));
    constexpr std::size_t kMostPerByte = 3;
    value.reserve(kMostPerByte * decoded.size());
    append_encoded(value, decoded, "");
    crypto::wipe(decoded);
  }
  std::sort(params.begin(), params.end());
  for (auto& [name, value] : params) {
    if (&name != &params.front().first) out += '&';
    out.append(name).append("=").append(value);
    crypto::wipe(value);
  }
}

// Trimmed, and one space for several in a row.
void append_header_value(std::string& out, std::string_view value) {
  bool is_after_space = false;
  for (const char c : base::trim(value)) {
    const bool is_space = c == ' ' || c == '\t';
    if (!is_space) {
      out += c;
    } else if (!is_after_space) {
      out += ' ';
    }
    is_after_space = is_space;
  }
}

// By name, and the values of one name in the order in which they are sent.
std::multimap<std::string_view, std::string_view> sorted(const AwsRequest& request) {
  return {request.headers.begin(), request.headers.end()};
}

void append_headers(std::string& out, const AwsRequest& request) {
  const auto headers = sorted(request);
  std::string_view last;
  for (const auto& [name, value] : headers) {
    if (name == last) {
      out.back() = ',';  // in the place of the line's end
    } else {
      out.append(name).append(":");
    }
    append_header_value(out, value);
    out += '\n';
    last = name;
  }
}

// What it takes at most, so that the text never moves and leaves copies behind.
std::size_t room_for(const AwsRequest& request) {
  constexpr std::size_t kMostPerByte = 3;
  constexpr std::size_t kOfLines = 64;
  std::size_t room = kOfLines + request.method.size() + request.payload_hash.size() +
                     kMostPerByte * (request.path.size() + 2 * request.query.size());
  for (const auto& [name, value] : request.headers) room += 2 * name.size() + value.size() + 3;
  return room;
}

}  // namespace

std::string AwsScope::text() const {
  std::string text = time.substr(0, kDateLength);
  return text.append("/").append(region).append("/").append(service).append("/").append(
      kTermination);
}

std::string aws_time(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts)};
}

std::string aws_signed_headers(const AwsRequest& request) {
  std::string names;
  std::string_view last;
  for (const auto& [name, value] : sorted(request)) {
    if (name == last) continue;
    names.append(names.empty() ? "" : ";").append(name);
    last = name;
  }
  return names;
}

std::string aws_canonical_request(const AwsRequest& request) {
  std::string text;
  text.reserve(room_for(request));
  text.append(request.method).append("\n");
  append_path(text, request);
  text += '\n';
  append_query(text, request.query);
  text += '\n';
  append_headers(text, request);
  text.append("\n").append(aws_signed_headers(request)).append("\n");
  return text.append(request.payload_hash);
}

std::string aws_string_to_sign(const AwsScope& scope, std::string_view canonical_request) {
  std::string text(kAlgorithm);
  text.append("\n").append(scope.time).append("\n").append(scope.text()).append("\n");
  return text.append(crypto::sha256_hex(canonical_request));
}

std::string aws_signature(std::string_view secret_access_key, const AwsScope& scope,
                          std::string_view string_to_sign) {
  constexpr std::string_view kPrefix = "AWS4";
  std::string first;
  first.reserve(kPrefix.size() + secret_access_key.size());
  first.append(kPrefix).append(secret_access_key);
  SecretBytes key(std::move(first));
  const std::string_view date = std::string_view(scope.time).substr(0, kDateLength);
  for (const std::string_view step :
       {date, std::string_view(scope.region), std::string_view(scope.service), kTermination}) {
    key = crypto::hmac(HmacDigest::kSha256, key.view(), step);
  }
  return base::hex_encode(crypto::hmac(HmacDigest::kSha256, key.view(), string_to_sign).view());
}

}  // namespace patient_http::engine
