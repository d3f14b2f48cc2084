#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace patient_http::http {

// How long a Retry-After header (RFC 9110 §10.2.3) asks to wait at `now`: seconds, or a date in the
// one form that may be sent ("Sun, 06 Nov 1994 08:49:37 GMT"); a date that is past asks for 0. No
// value when it is neither. What is longer than a century counts as a century.
[[nodiscard]] std::optional<std::chrono::duration<double>> parse_retry_after(
    std::string_view text, std::chrono::system_clock::time_point now);

}  // namespace patient_http::http
