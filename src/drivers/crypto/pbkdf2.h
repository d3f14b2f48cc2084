#pragma once

#include <cstddef>
#include <string_view>

#include "drivers/crypto/hmac.h"
#include "drivers/crypto/secret_bytes.h"

namespace patient_http::crypto {

// PBKDF2 (RFC 8018) with an HMAC: `length` bytes of key from a password. Slow by design: 65,536
// iterations take some 20 ms. Throws std::runtime_error when OpenSSL does not offer it.
[[nodiscard]] SecretBytes pbkdf2(HmacDigest digest, std::string_view password,
                                 std::string_view salt, int iterations, std::size_t length);

}  // namespace patient_http::crypto
