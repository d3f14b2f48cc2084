#include "base/url.h"

#include <algorithm>
#include <boost/url.hpp>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/plain_url.h"
#include "base/text.h"

namespace patient_http::base {

namespace {

namespace urls = boost::urls;

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

void append_percent_encoded(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 15];
}

bool is_hex(std::string_view text, std::size_t i) {
  return i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
}

// Where the authority ends: brackets before it belong to an IPv6 address.
std::size_t end_of_authority(std::string_view text) {
  const std::size_t slashes = text.find("//");
  if (slashes == std::string_view::npos || text.find_first_of("/?#") != slashes) return 0;
  return std::min(text.find_first_of("/?#", slashes + 2), text.size());
}

// Percent-encodes what a url may not hold as it is; fails on control characters.
Result<std::string> encode_lenient(std::string_view text) {
  constexpr std::string_view kEncoded = " \"<>\\^`{|}";
  const std::size_t authority_end = end_of_authority(text);
  std::string out;
  out.reserve(text.size());
  bool in_fragment = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      return failure("it holds a control character at byte " + std::to_string(i));
    }
    const bool in_authority = i < authority_end;
    if (in_authority && c == '\\') return failure("its host holds a backslash");
    if (in_authority && byte >= 0x80) {
      return failure("its host holds characters outside ASCII; write the name in Punycode (xn--…)");
    }
    const bool bracket = (c == '[' || c == ']') && !in_authority;
    const bool lone_percent = c == '%' && !(is_hex(text, i + 1) && is_hex(text, i + 2));
    const bool second_hash = c == '#' && in_fragment;
    if (c == '#') in_fragment = true;
    if (byte >= 0x80 || bracket || lone_percent || second_hash ||
        kEncoded.find(c) != std::string_view::npos) {
      append_percent_encoded(out, c);
    } else {
      out += c;
    }
  }
  return out;
}

// Whether an authority, without its userinfo, is a host and at most a port: Boost.URL 1.81 leaves
// what it cannot read to the path, and a request would go where nobody sent it.
bool has_whole_host_and_port(std::string_view text) {
  std::size_t host_end = 0;
  if (text.starts_with('[')) {
    host_end = text.find(']');
    if (host_end == std::string_view::npos) return false;
    ++host_end;
  } else {
    host_end = std::min(text.find(':'), text.size());
  }
  const std::string_view port = text.substr(host_end);
  return port.empty() ||
         (port.front() == ':' && port.find_first_not_of("0123456789", 1) == std::string_view::npos);
}

// Whether a host, percent-decoded and in lower case, is an address or may be a name: what needs no
// percent-encoding. A name with a colon or bracket, or of digits and dots alone ("127.1"), would be
// taken for an address by whoever reads it next, and nobody knows addresses of the future
// ("[v1.x]").
bool is_host(std::string_view host, urls::host_type type) {
  if (type == urls::host_type::ipv6 || type == urls::host_type::ipv4) return true;
  return type == urls::host_type::name &&
         host.find_first_not_of("0123456789.") != std::string_view::npos &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=") ==
             std::string_view::npos;
}

std::string_view authority_of(std::string_view encoded) {
  const std::size_t slashes = encoded.find("//");
  if (slashes == std::string_view::npos) return {};
  return encoded.substr(slashes + 2, end_of_authority(encoded) - slashes - 2);
}

// Where the host begins, of a text whose authority ends at `end`.
std::size_t begin_of_host(std::string_view text, std::size_t end) {
  const std::size_t authority = text.find("//") + 2;
  const std::size_t at = text.substr(0, end).rfind('@');
  return at == std::string_view::npos || at < authority ? authority : at + 1;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Boost.URL 1.81 takes a name that begins as an address does ("1.2.3.4.example") for that address,
// and leaves the rest to the path. It reads the name when the first digit is percent-encoded.
std::string hide_digit_of_name(std::string text) {
  const std::size_t end = end_of_authority(text);
  if (end == 0) return text;
  const std::size_t begin = begin_of_host(text, end);
  const std::string_view host =
      std::string_view(text).substr(begin, std::min(text.find(':', begin), end) - begin);
  const bool is_such_name = !host.empty() && is_digit(host.front()) &&
                            host.find_first_not_of("0123456789.") != std::string_view::npos;
  if (is_such_name) text.insert(begin, "%3");
  return text;
}

std::string show_digit_of_name(std::string text) {
  const std::size_t end = end_of_authority(text);
  const std::size_t begin = begin_of_host(text, end);
  const bool is_hidden =
      begin + 2 < end && text.compare(begin, 2, "%3") == 0 && is_digit(text[begin + 2]);
  if (is_hidden) text.erase(begin, 2);
  return text;
}

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

std::string Origin::authority() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  std::string out = ipv6 ? "[" + host + "]" : host;
  if (port != default_port(scheme)) out += ":" + std::to_string(port);
  return out;
}

std::string Origin::text() const {
  return scheme + "://" + authority();
}

Url::Url(std::string_view text, const PlainUrl& plain)
    : text_(text), origin_{std::string(plain.scheme), std::string(plain.host), plain.port} {
  target_.reserve(plain.path.size() + plain.query.size() + 1);
  if (plain.path.empty()) target_ += '/';
  target_.append(plain.path).append(plain.query);
}

Result<Url> Url::parse(std::string_view text) {
  const auto invalid = [&](const std::string& why) {
    return failure("invalid url " + redact_url(text) + ": " + why);
  };
  if (text.empty()) return failure("the url is empty");
  if (const auto plain = read_plain_url(text)) return Url(text, *plain);
  auto encoded = encode_lenient(text);
  if (!encoded) return invalid(encoded.error().message);
  const std::string readable = hide_digit_of_name(*encoded);
  const auto parsed = urls::parse_uri_reference(readable);
  if (!parsed) return invalid("it does not have the form of a url (RFC 3986)");
  const urls::url_view& view = *parsed;
  if (!view.has_scheme()) return invalid("it must be absolute and begin with http:// or https://");

  Url url;
  url.origin_.scheme = ascii_lower(std::string_view(view.scheme().data(), view.scheme().size()));
  if (url.origin_.scheme != "http" && url.origin_.scheme != "https") {
    return invalid("its scheme must be http or https");
  }
  if (!view.has_authority() || view.encoded_host().empty()) return invalid("it names no host");
  const std::string_view authority = authority_of(readable);
  const std::size_t at = authority.rfind('@');
  if (!has_whole_host_and_port(authority.substr(at == std::string_view::npos ? 0 : at + 1))) {
    return invalid("what follows its host must be a port between 1 and 65535");
  }
  // Nor does it refuse a second '@': the host would be what stands before it.
  const auto read_authority = view.encoded_authority();
  if (std::string_view(read_authority.data(), read_authority.size()) != authority) {
    return invalid(std::count(authority.begin(), authority.end(), '@') > 1
                       ? "its credentials hold an '@' that must be percent-encoded"
                       : "its host is neither a name nor an address");
  }
  url.origin_.host = ascii_lower(view.host_address());
  if (!is_host(url.origin_.host, view.host_type())) {
    return invalid("its host is neither a name nor an address");
  }
  url.origin_.port = default_port(url.origin_.scheme);
  if (view.has_port() && !view.port().empty()) {
    const auto port = parse_port(std::string_view(view.port().data(), view.port().size()));
    if (!port) return invalid("its port must be between 1 and 65535");
    url.origin_.port = *port;
  }
  if (view.has_userinfo()) {
    url.userinfo_ = view.user();
    url.userinfo_ += ':';
    url.userinfo_ += view.password();
  }
  const auto path = view.encoded_path();
  url.target_.assign(path.data(), path.size());
  if (url.target_.empty()) url.target_ = "/";
  if (view.has_query()) {
    const auto query = view.encoded_query();
    url.target_.append("?").append(query.data(), query.size());
  }
  url.text_ = std::move(*encoded);
  return url;
}

Result<Url> Url::resolve(std::string_view reference) const {
  auto encoded = encode_lenient(reference);
  if (!encoded) return failure("invalid reference: " + encoded.error().message);
  const std::string readable = hide_digit_of_name(std::move(*encoded));
  const auto parsed = urls::parse_uri_reference(readable);
  if (!parsed) {
    return failure("invalid reference " + redact_url(reference) +
                   ": it does not have the form of a url (RFC 3986)");
  }
  // Boost.URL 1.81 takes what is no port for a path: "//user:pass" would be the host "user".
  if (parsed->has_authority()) {
    const std::string scheme = parsed->has_scheme() ? "" : origin_.scheme + ":";
    if (auto valid = parse(scheme + std::string(reference)); !valid) return valid;
  }
  urls::url resolved;
  const std::string base_text = hide_digit_of_name(text_);
  const auto base = urls::parse_uri(base_text);
  const auto done = urls::resolve(*base, *parsed, resolved);
  if (!done) return failure("cannot resolve " + redact_url(reference) + " against " + redacted());
  // Boost.URL 1.81 keeps ".." segments that climb above the root; RFC 3986 §5.2.4 drops them.
  std::string path(resolved.encoded_path().data(), resolved.encoded_path().size());
  while (path.starts_with("/../")) path.erase(0, 3);
  if (path == "/..") path = "/";
  resolved.set_encoded_path(path);
  return parse(show_digit_of_name(std::string(resolved.buffer().data(), resolved.buffer().size())));
}

std::string Url::normalized() const {
  urls::url url = *urls::parse_uri("http://h" + target_);  // whatever the origin
  url.normalize();
  const auto target = url.encoded_target();
  std::string out = origin_.text();
  if (!target.starts_with('/')) out += '/';
  return out.append(target.data(), target.size());
}

std::string Url::redacted() const {
  return origin_.text() + target_.substr(0, target_.find('?'));
}

namespace {

// Whether what is before the first slash can be a host, with a port or without: of "user:password"
// it cannot.
bool may_be_host_and_port(std::string_view text) {
  text = text.substr(0, text.find('/'));
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return true;
  return text.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
}

}  // namespace

std::string redact_url(std::string_view text) {
  const std::size_t slashes = text.find("//");
  const std::size_t authority =
      slashes < text.find_first_of("?#") ? slashes + 2 : 0;  // where it begins
  const std::string_view rest = text.substr(authority);
  std::string_view shown = rest.substr(0, rest.find_first_of("?#"));
  // Up to the last '@', even where a slash comes before it: a password may hold one.
  if (const std::size_t at = shown.rfind('@'); at != std::string_view::npos) {
    shown.remove_prefix(at + 1);
  } else if (const std::size_t end = rest.rfind('@');
             end != std::string_view::npos && !may_be_host_and_port(shown)) {
    // A password may hold what would begin a query, too.
    shown = rest.substr(end + 1);
    shown = shown.substr(0, shown.find_first_of("?#"));
  }
  std::string out(text.substr(0, authority));
  out += shown;
  out = to_valid_utf8(out);
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return out;
}

void append_form_encoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '*' || c == '-' || c == '.' ||
        c == '_') {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      append_percent_encoded(out, c);
    }
  }
}

std::string form_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && is_hex(text, i + 1) && is_hex(text, i + 2)) {
      std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string with_query(std::string_view url, std::string_view pairs) {
  if (pairs.empty()) return std::string(url);
  const std::size_t hash = std::min(url.find('#'), url.size());
  std::string out(url.substr(0, hash));
  const std::size_t question = out.find('?');
  if (question == std::string::npos) {
    out += '?';
  } else if (question + 1 < out.size() && out.back() != '&') {
    out += '&';
  }
  return out.append(pairs).append(url.substr(hash));
}

}  // namespace patient_http::base
