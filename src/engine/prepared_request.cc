#include "engine/prepared_request.h"

#include "drivers/crypto/wipe.h"
#include "drivers/http1/request_head.h"

namespace patient_http::engine {

PreparedRequest::~PreparedRequest() {
  if (holds_secrets) drop_content();
}

PreparedRequest& PreparedRequest::operator=(PreparedRequest&& other) noexcept {
  if (this == &other) return *this;
  if (holds_secrets) drop_content();
  method = other.method;
  origin = std::move(other.origin);
  target = std::move(other.target);
  headers = std::move(other.headers);
  holds_secrets = other.holds_secrets;  // the other's stays too: a short text was copied
  secrets = std::move(other.secrets);
  return *this;
}

void PreparedRequest::drop_content() {
  if (holds_secrets) {
    crypto::wipe(target);
    for (auto& header : headers) crypto::wipe(header.second);
  }
  headers.clear();
  headers.shrink_to_fit();
}

std::string http1_head(const PreparedRequest& request, std::size_t body_size) {
  constexpr std::size_t kLineEnds = 4;       // ": " and CRLF
  constexpr std::size_t kFirstAndLast = 64;  // method, version, content-length, the empty line
  std::size_t size = request.target.size() + kFirstAndLast;
  for (const auto& [name, value] : request.headers) size += name.size() + value.size() + kLineEnds;
  if (body_size <= kSmallBody) size += body_size;
  http1::RequestHead head(to_wire(request.method), request.target, size);
  for (const auto& [name, value] : request.headers) head.add(name, value);
  if (may_have_body(request.method)) head.add("content-length", std::to_string(body_size));
  return std::move(head).finish();
}

}  // namespace patient_http::engine
