#include "base/credential_headers.h"

#include <algorithm>
#include <array>

namespace patient_http::base {

bool is_credential_header(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames = {
      "authorization", "cookie",       "proxy-authorization", "x-api-key",
      "api-key",       "x-auth-token", "x-goog-api-key",      "x-amz-security-token"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace patient_http::base
