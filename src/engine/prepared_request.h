#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/url.h"
#include "engine/known_secrets.h"
#include "patient_http/http_method.h"

namespace patient_http::engine {

// Messages with a body up to this size are sent in one piece: one segment, one TLS record.
constexpr std::size_t kSmallBody = 16 * 1024;

// A request as it will be sent: nothing left to resolve. One that holds secrets is wiped with its
// end.
struct PreparedRequest {
  PreparedRequest() = default;
  ~PreparedRequest();
  PreparedRequest(PreparedRequest&& other) noexcept = default;
  PreparedRequest& operator=(PreparedRequest&& other) noexcept;

  // Wipes and drops what is only needed until it is sent: headers and target.
  void drop_content();

  HttpMethod method = HttpMethod::kGet;
  base::Origin origin;
  // Path and query; for a proxy that forwards the whole url.
  std::string target;
  // In the order in which they are sent; a repeated name is sent as a line each.
  std::vector<std::pair<std::string, std::string>> headers;
  // Whether target or headers hold values of secrets, or what preprocessors made.
  bool holds_secrets = false;
  // The secrets in it.
  KnownSecrets secrets;
};

// The bytes of its head in HTTP/1.1. `body_size` becomes content-length where a body is possible;
// there is room for a small body behind the head, so that it never moves.
[[nodiscard]] std::string http1_head(const PreparedRequest& request, std::size_t body_size);

}  // namespace patient_http::engine
