#include "payload/encryptor.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/text.h"
#include "drivers/crypto/aes_gcm.h"
#include "drivers/crypto/pbkdf2.h"
#include "drivers/crypto/random.h"
#include "payload/json_string.h"
#include "payload/marshal_string.h"

namespace patient_http::payload {

using crypto::SealedText;
using crypto::SecretBytes;
using Digest = EncryptionFormat::Digest;
using Serializer = EncryptionFormat::Serializer;

namespace {

constexpr std::string_view kFlag = "__encrypted__";
constexpr std::string_view kValue = "value";
constexpr std::string_view kSalt = "patient_http_payload_encryption";
constexpr std::string_view kSeparator = "--";
constexpr int kIterations = 65536;

SecretBytes derive(Digest digest, const std::string& password) {
  return crypto::pbkdf2(
      digest == Digest::kSha1 ? crypto::HmacDigest::kSha1 : crypto::HmacDigest::kSha256, password,
      kSalt, kIterations, crypto::kAesKeySize);
}

// Only what an encoder writes: otherwise several texts would stand for one message, and a change
// would not always be noticed.
std::optional<std::string> strict_base64(std::string_view text) {
  std::optional<std::string> bytes = base::base64_decode(text);
  if (!bytes || base::base64_encode(*bytes) != text) return std::nullopt;
  return bytes;
}

std::string message_of(const SealedText& sealed) {
  std::string message = base::base64_encode(sealed.ciphertext);
  message += kSeparator;
  message += base::base64_encode(sealed.iv);
  message += kSeparator;
  message += base::base64_encode(sealed.tag);
  return message;
}

std::optional<SealedText> parse_message(std::string_view message) {
  const std::size_t first = message.find(kSeparator);
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = message.find(kSeparator, first + kSeparator.size());
  if (second == std::string_view::npos) return std::nullopt;
  const std::size_t iv_begin = first + kSeparator.size();
  auto ciphertext = strict_base64(message.substr(0, first));
  auto iv = strict_base64(message.substr(iv_begin, second - iv_begin));
  auto tag = strict_base64(message.substr(second + kSeparator.size()));
  if (!ciphertext || !iv || !tag) return std::nullopt;
  if (iv->size() != crypto::kGcmIvSize || tag->size() != crypto::kGcmTagSize) return std::nullopt;
  return SealedText{std::move(*ciphertext), std::move(*iv), std::move(*tag)};
}

std::string envelope(std::string_view bytes) {
  return R"({"__encrypted__":true,"value":")" + base::base64_encode(bytes) + "\"}";
}

tl::unexpected<Failure> cannot_decrypt(std::string_view why) {
  return failure("cannot decrypt data: " + std::string(why));
}

// What was serialised, and how. As ActiveSupport 7.1 tells them apart.
Result<Decrypted> deserialise(std::string_view bytes, Digest digest) {
  if (is_marshal(bytes)) {
    const auto text = load_marshal_string(bytes);
    if (!text) return cannot_decrypt("it holds something else than one string, in Ruby's Marshal");
    return Decrypted{std::string(*text), EncryptionFormat{digest, Serializer::kMarshal}};
  }
  auto text = load_json_string(bytes);
  if (!text) return cannot_decrypt("it holds neither a string in Ruby's Marshal nor one in JSON");
  return Decrypted{std::move(*text), EncryptionFormat{digest, Serializer::kJson}};
}

}  // namespace

struct Encryptor::Impl {
  // The keys of one password, at the place of their digest.
  using Keys = std::array<SecretBytes, 2>;

  [[nodiscard]] static const SecretBytes& key_of(const Keys& keys, Digest digest) {
    return keys[digest == Digest::kSha1 ? 0 : 1];
  }

  [[nodiscard]] std::string encrypt(std::string_view json, EncryptionFormat as) const {
    const SecretBytes serialised(as.serializer == Serializer::kMarshal ? dump_marshal_string(json)
                                                                       : dump_json_string(json));
    return envelope(message_of(crypto::aes256_gcm_seal(key_of(keys.front(), as.digest),
                                                       crypto::random_bytes(crypto::kGcmIvSize),
                                                       serialised.view())));
  }

  [[nodiscard]] Result<Decrypted> decrypt(const SealedText& sealed) const {
    const Digest other = format.digest == Digest::kSha1 ? Digest::kSha256 : Digest::kSha1;
    for (const Keys& each : keys) {
      for (const Digest digest : {format.digest, other}) {
        const auto bytes = crypto::aes256_gcm_open(key_of(each, digest), sealed);
        if (bytes) return deserialise(bytes->view(), digest);
      }
    }
    return cannot_decrypt("no encryption key that is set up here fits, or the data was changed");
  }

  std::vector<Keys> keys;
  EncryptionFormat format;
  std::function<std::string(std::string_view)> encrypt_function;
  std::function<std::string(std::string_view)> decrypt_function;
};

Encryptor::Encryptor() : impl_(std::make_unique<Impl>()) {}

Encryptor::Encryptor(const EncryptionOptions& options) : Encryptor() {
  if (static_cast<bool>(options.encrypt) != static_cast<bool>(options.decrypt)) {
    throw std::invalid_argument("encryption needs both functions, encrypt and decrypt, or none");
  }
  impl_->format = options.format;
  for (const std::string& password : options.keys) {
    if (password.empty()) continue;
    if (options.encrypt) {
      throw std::invalid_argument("encryption takes keys or functions, not both");
    }
    impl_->keys.push_back({derive(Digest::kSha1, password), derive(Digest::kSha256, password)});
  }
  impl_->encrypt_function = options.encrypt;
  impl_->decrypt_function = options.decrypt;
}

Encryptor::~Encryptor() = default;
Encryptor::Encryptor(Encryptor&&) noexcept = default;
Encryptor& Encryptor::operator=(Encryptor&&) noexcept = default;

bool Encryptor::is_enabled() const {
  return impl_->encrypt_function || !impl_->keys.empty();
}

bool Encryptor::is_encrypted(const Json& json) {
  const Json* const flag = json.find(kFlag);
  if (!flag || flag->is_null()) return false;
  // What Ruby takes for true.
  return !flag->if_bool() || *flag->if_bool();
}

Result<std::string> Encryptor::encrypt(std::string json,
                                       std::optional<EncryptionFormat> format) const {
  if (!is_enabled()) return json;
  const SecretBytes plain(std::move(json));
  crypto::wipe(json);
  if (impl_->encrypt_function) {
    try {
      return envelope(impl_->encrypt_function(plain.view()));
    } catch (...) {
      // What it threw may quote the data.
      return failure("cannot encrypt data: the encrypt function threw");
    }
  }
  if (plain.view().size() > kMostMarshalBytes) return failure("cannot encrypt data: too large");
  return impl_->encrypt(plain.view(), format.value_or(impl_->format));
}

Result<Decrypted> Encryptor::decrypt(const Json& envelope) const {
  if (!is_enabled()) return cannot_decrypt("no encryption key is set up here");
  const Json* const value = is_encrypted(envelope) ? envelope.find(kValue) : nullptr;
  if (!value || !value->if_string()) return cannot_decrypt("it is no envelope with a value");
  const auto bytes = strict_base64(*value->if_string());
  if (!bytes) return cannot_decrypt("the value of its envelope is no base64");
  if (impl_->decrypt_function) {
    try {
      return Decrypted{impl_->decrypt_function(*bytes), std::nullopt};
    } catch (...) {
      return cannot_decrypt("the decrypt function threw");
    }
  }
  const auto sealed = parse_message(*bytes);
  if (!sealed) return cannot_decrypt("its envelope is cut off, or of a form not known here");
  return impl_->decrypt(*sealed);
}

}  // namespace patient_http::payload
