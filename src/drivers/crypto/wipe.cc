#include "drivers/crypto/wipe.h"

#include <openssl/crypto.h>

namespace patient_http::crypto {

void wipe(std::string& bytes) noexcept {
  // A text that became shorter leaves its end behind size(). Growing to the capacity moves nothing.
  bytes.resize(bytes.capacity());
  OPENSSL_cleanse(bytes.data(), bytes.size());
  bytes.clear();
}

}  // namespace patient_http::crypto
