#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patient_http::http2 {

// A request as its HEADERS frame tells it. Names and values must be free of CR, LF and NUL.
struct Http2Request {
  Http2Request() = default;
  ~Http2Request() { drop_head(); }
  Http2Request(Http2Request&&) noexcept = default;
  Http2Request& operator=(Http2Request&&) = delete;

  // Frees what is only needed until it is sent, and wipes it if it holds secrets.
  void drop_head();

  std::string method;
  std::string scheme;
  std::string authority;
  std::string path;  // and query
  std::vector<std::pair<std::string, std::string>> headers;
  // Must outlive the stream; may be empty.
  std::string_view body;
  // Path and headers never enter a compression table, here or on the way, and are wiped.
  bool holds_secrets = false;
};

// Takes out what HTTP/2 forbids (RFC 9113 §8.2.2) and makes the names lower-case; a host header
// becomes the authority.
void conform(Http2Request& request);

}  // namespace patient_http::http2
