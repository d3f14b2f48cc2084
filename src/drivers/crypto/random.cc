#include "drivers/crypto/random.h"

#include <openssl/rand.h>

#include <stdexcept>

namespace patient_http::crypto {

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes_ex(nullptr, reinterpret_cast<unsigned char*>(bytes.data()), count, 0) != 1)
    throw std::runtime_error("OpenSSL has no random bytes");
  return bytes;
}

}  // namespace patient_http::crypto
