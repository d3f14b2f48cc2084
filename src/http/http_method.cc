#include "patient_http/http_method.h"

#include <array>
#include <string>

#include "base/text.h"

namespace patient_http {

namespace {

struct Method {
  HttpMethod method;
  std::string_view name;
  std::string_view wire;
  bool idempotent;
  bool has_body;
};

// In the order of the enumerators.
constexpr std::array<Method, 5> kMethods = {{
    {HttpMethod::kGet, "get", "GET", true, false},
    {HttpMethod::kPost, "post", "POST", false, true},
    {HttpMethod::kPut, "put", "PUT", true, true},
    {HttpMethod::kPatch, "patch", "PATCH", false, true},
    {HttpMethod::kDelete, "delete", "DELETE", true, false},
}};

const Method& find(HttpMethod method) noexcept {
  return kMethods[static_cast<std::size_t>(method)];
}

}  // namespace

std::string_view to_string(HttpMethod method) noexcept {
  return find(method).name;
}

std::string_view to_wire(HttpMethod method) noexcept {
  return find(method).wire;
}

Result<HttpMethod> parse_http_method(std::string_view text) {
  for (const Method& candidate : kMethods) {
    if (base::ascii_equal_ignoring_case(text, candidate.name)) return candidate.method;
  }
  constexpr std::size_t kMostShown = 40;
  return failure("must be one of get, post, put, patch, delete, got \"" +
                 base::to_valid_utf8(text.substr(0, kMostShown)) + "\"");
}

bool is_idempotent(HttpMethod method) noexcept {
  return find(method).idempotent;
}

bool may_have_body(HttpMethod method) noexcept {
  return find(method).has_body;
}

}  // namespace patient_http
