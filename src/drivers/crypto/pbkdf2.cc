#include "drivers/crypto/pbkdf2.h"

#include <openssl/evp.h>

#include <stdexcept>

namespace patient_http::crypto {

namespace {

const EVP_MD* algorithm_of(HmacDigest digest) {
  switch (digest) {
    case HmacDigest::kSha1:
      return EVP_sha1();
    case HmacDigest::kSha256:
      return EVP_sha256();
    case HmacDigest::kSha512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

SecretBytes pbkdf2(HmacDigest digest, std::string_view password, std::string_view salt,
                   int iterations, std::size_t length) {
  std::string key(length, '\0');
  const int done =
      PKCS5_PBKDF2_HMAC(password.empty() ? "" : password.data(), static_cast<int>(password.size()),
                        reinterpret_cast<const unsigned char*>(salt.data()),
                        static_cast<int>(salt.size()), iterations, algorithm_of(digest),
                        static_cast<int>(length), reinterpret_cast<unsigned char*>(key.data()));
  SecretBytes result(std::move(key));
  if (done != 1) throw std::runtime_error("OpenSSL cannot derive a key by PBKDF2");
  return result;
}

}  // namespace patient_http::crypto
