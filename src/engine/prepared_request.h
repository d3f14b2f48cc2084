#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/url.h"
#include "patient_http/http_method.h"

namespace patient_http::engine {

// A request as it will be sent: nothing left to resolve.
struct PreparedRequest {
  HttpMethod method = HttpMethod::kGet;
  base::Url url;
  // In the order in which they are sent; a repeated name is sent as a line each.
  std::vector<std::pair<std::string, std::string>> headers;
};

// The bytes of its head in HTTP/1.1. `body_size` becomes content-length where a body is possible.
[[nodiscard]] std::string http1_head(const PreparedRequest& request, std::size_t body_size);

}  // namespace patient_http::engine
