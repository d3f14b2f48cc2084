#include "drivers/crypto/aes_gcm.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <stdexcept>

namespace patient_http::crypto {

namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

void require(int result) {
  if (result != 1) throw std::runtime_error("OpenSSL cannot compute AES-256-GCM");
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Starts with the key and iv; `encrypts` or decrypts.
Context start(const SecretBytes& key, std::string_view iv, bool encrypts) {
  assert(key.view().size() == kAesKeySize && iv.size() == kGcmIvSize);
  Context context(EVP_CIPHER_CTX_new());
  // 12 bytes are the default length of a GCM iv.
  require(EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key.view()),
                            bytes_of(iv), encrypts ? 1 : 0));
  return context;
}

// GCM is a stream: the output has the length of the input. OpenSSL counts in int.
std::string transform(EVP_CIPHER_CTX* context, std::string_view input) {
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;
  std::string output(input.size(), '\0');
  for (std::size_t at = 0; at < input.size(); at += kMostAtOnce) {
    const std::string_view piece = input.substr(at, kMostAtOnce);
    int written = 0;
    require(EVP_CipherUpdate(context, reinterpret_cast<unsigned char*>(output.data() + at),
                             &written, bytes_of(piece), static_cast<int>(piece.size())));
  }
  return output;
}

}  // namespace

SealedText aes256_gcm_seal(const SecretBytes& key, std::string iv, std::string_view text) {
  const Context context = start(key, iv, true);
  SealedText sealed;
  sealed.ciphertext = transform(context.get(), text);
  sealed.iv = std::move(iv);
  sealed.tag.resize(kGcmTagSize);
  int written = 0;
  unsigned char none[EVP_MAX_BLOCK_LENGTH];
  require(EVP_CipherFinal_ex(context.get(), none, &written));
  require(
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kGcmTagSize, sealed.tag.data()));
  return sealed;
}

std::optional<SecretBytes> aes256_gcm_open(const SecretBytes& key, const SealedText& sealed) {
  // A shorter tag would be taken, and be easier to forge.
  if (sealed.iv.size() != kGcmIvSize || sealed.tag.size() != kGcmTagSize) return std::nullopt;
  const Context context = start(key, sealed.iv, false);
  SecretBytes text(transform(context.get(), sealed.ciphertext));
  std::string tag = sealed.tag;
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kGcmTagSize, tag.data()));
  int written = 0;
  unsigned char none[EVP_MAX_BLOCK_LENGTH];
  if (EVP_CipherFinal_ex(context.get(), none, &written) != 1) return std::nullopt;
  return text;
}

}  // namespace patient_http::crypto
