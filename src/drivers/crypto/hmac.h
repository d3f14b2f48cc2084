#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "drivers/crypto/secret_bytes.h"

struct evp_mac_ctx_st;

namespace patient_http::crypto {

enum class HmacDigest { kSha1, kSha256, kSha512 };

// HMAC (RFC 2104) of bytes that come in pieces. OpenSSL wipes its copy of the key with it.
class Hmac {
 public:
  // Throws std::runtime_error when OpenSSL does not offer the algorithm.
  Hmac(HmacDigest digest, std::string_view key);
  ~Hmac();
  Hmac(Hmac&&) noexcept;
  Hmac& operator=(Hmac&&) noexcept;

  void add(std::string_view bytes);
  // The code of all that was added: 20, 32 or 64 bytes. Nothing may be added any more.
  [[nodiscard]] SecretBytes finish() &&;

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> context_;
};

[[nodiscard]] SecretBytes hmac(HmacDigest digest, std::string_view key, std::string_view bytes);

}  // namespace patient_http::crypto
