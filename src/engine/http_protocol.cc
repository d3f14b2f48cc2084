#include "patient_http/http_protocol.h"

namespace patient_http {

std::string_view to_string(HttpProtocol protocol) noexcept {
  return protocol == HttpProtocol::kHttp2 ? "http2" : "http1";
}

std::optional<HttpProtocol> parse_http_protocol(std::string_view text) noexcept {
  if (text == "http1") return HttpProtocol::kHttp1;
  if (text == "http2") return HttpProtocol::kHttp2;
  return std::nullopt;
}

}  // namespace patient_http
