#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "patient_http/result.h"

namespace patient_http::base {

struct PlainUrl;

// Where a request is sent: what two urls must share to share a connection. Host in lower case,
// without the brackets of IPv6; the port always set.
struct Origin {
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;

  // "https://api.example.com" or "http://[::1]:8080": the default port is left out.
  [[nodiscard]] std::string text() const;
  // "api.example.com" or "[::1]:8080", the value of a Host header.
  [[nodiscard]] std::string authority() const;
  [[nodiscard]] bool is_tls() const { return scheme == "https"; }

  auto operator<=>(const Origin&) const = default;
};

// "example.com." is the same name as "example.com": without the point of the root.
[[nodiscard]] constexpr std::string_view without_root(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

// An absolute http or https url. Parsing is as strict as RFC 3986, except that bytes which the RFC
// wants percent-encoded (spaces, raw UTF-8, brackets in a query, a lone '%') are encoded instead
// of refused, as browsers do. Control characters are refused.
class Url {
 public:
  // The failure says what is wrong without repeating a query string or credentials.
  [[nodiscard]] static Result<Url> parse(std::string_view text);

  // Resolves a reference, such as a Location header, against this url (RFC 3986 §5). A reference
  // without a fragment of its own inherits none.
  [[nodiscard]] Result<Url> resolve(std::string_view reference) const;

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const Origin& origin() const { return origin_; }
  // Path and query as they stand in a request line; never empty.
  [[nodiscard]] const std::string& target() const { return target_; }
  // "user:password" after percent-decoding, or empty.
  [[nodiscard]] const std::string& userinfo() const { return userinfo_; }

  // A form in which urls that mean the same are equal: scheme and host in lower case, no default
  // port, no dot segments, no fragment.
  [[nodiscard]] std::string normalized() const;
  // For logs and messages: no credentials, no query, no fragment.
  [[nodiscard]] std::string redacted() const;

 private:
  Url() = default;
  Url(std::string_view text, const PlainUrl& plain);

  std::string text_;
  Origin origin_;
  std::string target_;
  std::string userinfo_;
};

// `text` redacted as Url::redacted() does it, even when it is no valid url.
[[nodiscard]] std::string redact_url(std::string_view text);

// Appends one pair of application/x-www-form-urlencoded: a space is '+'.
void append_form_encoded(std::string& out, std::string_view text);

// Undoes it: '+' is a space, %XX a byte, and a lone '%' itself.
[[nodiscard]] std::string form_decode(std::string_view text);

// Splits off a fragment and appends `pairs` ("a=1&b=2") to the query of `url`.
[[nodiscard]] std::string with_query(std::string_view url, std::string_view pairs);

}  // namespace patient_http::base
