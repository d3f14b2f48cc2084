#include "drivers/crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace patient_http::crypto {

namespace {

void require(bool is_done) {
  if (!is_done) throw std::runtime_error("OpenSSL cannot compute an HMAC");
}

const unsigned char* data_of(std::string_view bytes) {
  // No key at all would be the one that was set before.
  return reinterpret_cast<const unsigned char*>(bytes.empty() ? "" : bytes.data());
}

std::string name_of(HmacDigest digest) {
  switch (digest) {
    case HmacDigest::kSha1:
      return "SHA1";
    case HmacDigest::kSha256:
      return "SHA256";
    case HmacDigest::kSha512:
      return "SHA512";
  }
  return {};
}

}  // namespace

void Hmac::Free::operator()(evp_mac_ctx_st* context) const {
  EVP_MAC_CTX_free(context);
}

Hmac::Hmac(HmacDigest digest, std::string_view key) {
  struct FreeMac {
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  };
  const std::unique_ptr<EVP_MAC, FreeMac> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  require(mac != nullptr);
  context_.reset(EVP_MAC_CTX_new(mac.get()));
  require(context_ != nullptr);
  std::string name = name_of(digest);
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
      OSSL_PARAM_construct_end()};
  require(EVP_MAC_init(context_.get(), data_of(key), key.size(), parameters.data()) == 1);
}
Hmac::~Hmac() = default;
Hmac::Hmac(Hmac&&) noexcept = default;
Hmac& Hmac::operator=(Hmac&&) noexcept = default;

void Hmac::add(std::string_view bytes) {
  require(EVP_MAC_update(context_.get(), data_of(bytes), bytes.size()) == 1);
}

SecretBytes Hmac::finish() && {
  std::string code(EVP_MAC_CTX_get_mac_size(context_.get()), '\0');
  std::size_t size = 0;
  const int done = EVP_MAC_final(context_.get(), reinterpret_cast<unsigned char*>(code.data()),
                                 &size, code.size());
  SecretBytes result(std::move(code));
  require(done == 1 && size == result.view().size());
  return result;
}

SecretBytes hmac(HmacDigest digest, std::string_view key, std::string_view bytes) {
  Hmac code(digest, key);
  code.add(bytes);
  return std::move(code).finish();
}

}  // namespace patient_http::crypto
