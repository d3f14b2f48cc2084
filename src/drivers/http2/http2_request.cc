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

}  // namespace

void Http2Request::drop_head() {
  if (holds_secrets) {
    crypto::wipe(path);
    for (auto& header : headers) crypto::wipe(header.second);
  }
  for (std::string* text : {&method, &scheme, &authority, &path}) {
    text->clear();
    text->shrink_to_fit();  // assigning an empty text would keep the memory
  }
  headers.clear();
  headers.shrink_to_fit();
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

}  // namespace patient_http::http2
