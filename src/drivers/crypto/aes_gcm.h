#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/crypto/secret_bytes.h"

namespace patient_http::crypto {

inline constexpr std::size_t kAesKeySize = 32;
inline constexpr std::size_t kGcmIvSize = 12;
inline constexpr std::size_t kGcmTagSize = 16;

// What AES-256-GCM makes of a text; all three parts are bytes.
struct SealedText {
  std::string ciphertext;
  std::string iv;
  std::string tag;
};

// Encrypts without additional data. One key must never see one `iv` twice: give random bytes.
// REQUIRES: a key of kAesKeySize and an iv of kGcmIvSize bytes. Throws std::runtime_error when
// OpenSSL does not offer the cipher.
[[nodiscard]] SealedText aes256_gcm_seal(const SecretBytes& key, std::string iv,
                                         std::string_view text);

// The text, or nothing when the key is another one, or a part was changed, or has not its size.
// REQUIRES: a key of kAesKeySize bytes. Throws as above.
[[nodiscard]] std::optional<SecretBytes> aes256_gcm_open(const SecretBytes& key,
                                                         const SealedText& sealed);

}  // namespace patient_http::crypto
