#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace patient_http::base {

// The parts of a url of the plainest kind, which nearly all are: scheme and host in lower case, a
// name or an IPv4 address, a port that is not the default, path and query of characters that every
// reader leaves as they are. No credentials, no fragment, nothing percent-encoded. Views into the
// text.
struct PlainUrl {
  std::string_view scheme;
  std::string_view host;
  std::uint16_t port = 0;
  std::string_view path;   // may be empty
  std::string_view query;  // with its '?', or empty
};

// Empty for any other url, valid or not: those are for Url::parse(), which takes some ten times as
// long.
[[nodiscard]] std::optional<PlainUrl> read_plain_url(std::string_view text);

}  // namespace patient_http::base
