#include "drivers/http2/http2_request.h"

#include <algorithm>
#include <array>

#include "drivers/crypto/wipe.h"

namespace patient_http::http2 {

namespace {

// `te` might say "trailers", but we drop trailers.
constexpr std::array<std::string_view, 7> kForbidden = {
    "connection",        "keep-alive", "proxy-connection", "te",
    "transfer-encoding", "upgrade",    "http2-settings"};

constexpr std::array<std::string_view, 8> kCredentials = {
    "authorization", "cookie",       "proxy-authorization", "x-api-key",
    "api-key",       "x-auth-token", "x-goog-api-key",      "x-amz-security-token"};

}  // namespace

void Http2Request::drop_head() {
  if (holds_secrets) {
    crypto::wipe(path);
    for (auto& header : headers) crypto::wipe(header.second);
  }
  method = scheme = authority = path = {};
  headers = {};
}

void conform(Http2Request& request) {
  for (auto& [name, value] : request.headers) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (name == "host") request.authority = value;
  }
  // Erasing would move texts over others, and leave copies of secrets.
  for (auto& [name, value] : request.headers) {
    const bool is_forbidden =
        name == "host" || std::find(kForbidden.begin(), kForbidden.end(), name) != kForbidden.end();
    if (is_forbidden) name.clear();
  }
}

bool is_sensitive(std::string_view name) {
  return std::find(kCredentials.begin(), kCredentials.end(), name) != kCredentials.end();
}

}  // namespace patient_http::http2
