#pragma once

#include <cstddef>
#include <string>

namespace patient_http::crypto {

// `count` bytes that nobody can guess. Throws std::runtime_error when OpenSSL has none.
[[nodiscard]] std::string random_bytes(std::size_t count);

}  // namespace patient_http::crypto
