#include "engine/prepared_request.h"

#include <algorithm>

#include "drivers/http1/request_head.h"

namespace patient_http::engine {

std::string http1_head(const PreparedRequest& request, std::size_t body_size) {
  http1::RequestHead head(to_wire(request.method), request.url.target());
  for (const auto& [name, value] : request.headers) head.add(name, value);
  if (may_have_body(request.method)) head.add("content-length", std::to_string(body_size));
  return std::move(head).finish();
}

}  // namespace patient_http::engine
