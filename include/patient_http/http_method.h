#pragma once

#include <string_view>

#include "patient_http/result.h"

namespace patient_http {

enum class HttpMethod { kGet, kPost, kPut, kPatch, kDelete };

// "get": the form in JSON.
[[nodiscard]] std::string_view to_string(HttpMethod method) noexcept;
// "GET": the form in a request line and in messages.
[[nodiscard]] std::string_view to_wire(HttpMethod method) noexcept;
// Accepts any case; the failure lists what there is.
[[nodiscard]] Result<HttpMethod> parse_http_method(std::string_view text);
// Whether sending it twice does what sending it once does (RFC 9110 §9.2.2).
[[nodiscard]] bool is_idempotent(HttpMethod method) noexcept;
// Whether a request of this method may have a body here: POST, PUT and PATCH.
[[nodiscard]] bool may_have_body(HttpMethod method) noexcept;

}  // namespace patient_http
