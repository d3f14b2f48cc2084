// Encryptor: takes what was encrypted with its key, and nothing else. The first byte says which:
// an envelope in JSON follows, or three bytes that steer a change, and a text to encrypt.
#include "base/text.h"
#include "fuzz/property.h"
#include "payload/encryptor.h"

namespace {

using namespace patient_http;
using fuzz::require;
using payload::Encryptor;

// Keys are slow to derive.
const Encryptor& with_key_of_golden_files() {
  static const Encryptor encryptor(EncryptionOptions{.keys = {"my secret key 1"}});
  return encryptor;
}
const Encryptor& with_key_of_nobody() {
  static const Encryptor encryptor(EncryptionOptions{.keys = {"a key that encrypted no input"}});
  return encryptor;
}

// `json` may be an envelope that was encrypted with the key of the golden files.
void check_envelope(const Json& json) {
  require(!with_key_of_nobody().decrypt(json), "another key's envelope is refused");
  require(!Encryptor().decrypt(json), "without a key every envelope is");
  const auto decrypted = with_key_of_golden_files().decrypt(json);
  if (!decrypted) {
    require(!decrypted.error().message.empty(), "a failure has a message");
    return;
  }
  require(Encryptor::is_encrypted(json), "only envelopes are decrypted");
  require(decrypted->format.has_value(), "the format of an envelope is known");
  const auto answer = with_key_of_golden_files().encrypt(decrypted->json, decrypted->format);
  require(answer.has_value(), "an answer is encrypted");
  const auto again = with_key_of_golden_files().decrypt(Json::parse(*answer).value());
  require(again && again->json == decrypted->json && again->format == decrypted->format,
          "… in the same format");
}

Json with_value(std::string value) {
  return Json::object({{"__encrypted__", true}, {"value", std::move(value)}});
}

// `value`, one way or another not what it was.
std::string changed(std::string value, unsigned how, std::size_t place, unsigned char flips) {
  const std::size_t i = place % value.size();
  const auto flip = [&](std::string& text, std::size_t at) {
    text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ flips);
  };
  switch (how % 4) {
    case 0:
      flip(value, i);
      return value;
    case 1:
      value.resize(i);
      return value;
    case 2:
      value.insert(i, 1, value[i]);
      return value;
    default: {
      // Inside the outer base64.
      std::string message = base::base64_decode(value).value();
      flip(message, place % message.size());
      return base::base64_encode(message);
    }
  }
}

void check_changes(fuzz::Steering steering) {
  const unsigned how = steering.byte();
  const std::size_t place = steering.byte() * 256U + steering.byte();
  const unsigned char flips = static_cast<unsigned char>(1U << place % 8);
  const std::string text = base::to_valid_utf8(steering.rest());
  const EncryptionFormat format{
      how & 4U ? EncryptionFormat::Digest::kSha1 : EncryptionFormat::Digest::kSha256,
      how & 8U ? EncryptionFormat::Serializer::kMarshal : EncryptionFormat::Serializer::kJson};
  const Encryptor& encryptor = with_key_of_nobody();

  const auto written = encryptor.encrypt(text, format);
  require(written.has_value(), "a text is encrypted");
  const auto envelope = Json::parse(*written);
  require(envelope && Encryptor::is_encrypted(*envelope), "… as an envelope");
  const std::string value = *envelope->find("value")->if_string();
  require(with_value(value) == *envelope, "an envelope has a flag and a value");
  const auto decrypted = encryptor.decrypt(*envelope);
  require(decrypted && decrypted->json == text, "what was encrypted is decrypted");
  require(decrypted->format == format, "… and its format known");

  require(!encryptor.decrypt(with_value(changed(value, how, place, flips))), "a change is noticed");
  require(!with_key_of_golden_files().decrypt(*envelope), "another key does not fit");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Steering steering(fuzz::text_of(data, size));
  if (steering.byte() % 2 == 1) {
    check_changes(steering);
  } else if (const auto json = Json::parse(steering.rest())) {
    check_envelope(*json);
  }
  return 0;
}
