#pragma once

#include <optional>
#include <string_view>

namespace patient_http {

enum class HttpProtocol { kHttp1, kHttp2 };

// "http1" or "http2".
[[nodiscard]] std::string_view to_string(HttpProtocol protocol) noexcept;
[[nodiscard]] std::optional<HttpProtocol> parse_http_protocol(std::string_view text) noexcept;

}  // namespace patient_http
