#pragma once

#include <string>

namespace patient_http::net {

// Takes OpenSSL's errors of this thread and says the oldest in words; empty when there is none.
[[nodiscard]] std::string take_openssl_error();

}  // namespace patient_http::net
