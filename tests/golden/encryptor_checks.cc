#include <utility>

#include "base/text.h"
#include "drivers/crypto/aes_gcm.h"
#include "drivers/crypto/pbkdf2.h"
#include "golden/checks.h"
#include "payload/json_string.h"
#include "payload/marshal_string.h"

namespace patient_http::golden {

namespace {

using Digest = EncryptionFormat::Digest;
using Serializer = EncryptionFormat::Serializer;

constexpr std::string_view kOmitted = "(omitted";

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    out += kDigits[static_cast<unsigned char>(byte) >> 4];
    out += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return out;
}

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  return bytes;
}

crypto::SecretBytes derive(Digest digest, const Json& password) {
  return crypto::pbkdf2(
      digest == Digest::kSha1 ? crypto::HmacDigest::kSha1 : crypto::HmacDigest::kSha256,
      text_of(password), "patient_http_payload_encryption", 65536, 32);
}

payload::Encryptor with_keys(std::vector<std::string> keys) {
  return payload::Encryptor(EncryptionOptions{.keys = std::move(keys)});
}

// What is too long to be recorded is given as Ruby writes it.
std::string json_text(const Case& recorded) {
  if (text_of(recorded.input()) == R"({"x": "y"*70000})")
    return R"({"x":")" + std::string(70000, 'y') + "\"}";
  return text_of(recorded.output("json_text"));
}

// Of long ones only the beginning is recorded: "2279… (first 20 bytes)".
void expect_hex(std::string_view what, std::string_view wanted, std::string_view bytes,
                Differences& differences) {
  const std::size_t end = wanted.find("...");
  const std::string got = hex(bytes);
  differences.expect_same_text(what, wanted.substr(0, end), std::string_view(got).substr(0, end));
}

void expect_unless_omitted(std::string_view what, std::string_view wanted, std::string_view got,
                           Differences& differences) {
  if (!wanted.starts_with(kOmitted)) return differences.expect_same_text(what, wanted, got);
  // "(omitted, 124544 chars)", or nothing is known.
  const std::string size = ", " + std::to_string(got.size()) + " chars)";
  if (wanted != "(omitted)" && !wanted.ends_with(size))
    differences.add(std::string(what) + " has another length than " + std::string(wanted));
}

}  // namespace

EncryptorCheck::EncryptorCheck(const Json& group)
    : group_(group),
      digest_(text_of(at(group, "key_generator_digest")) == "SHA1" ? Digest::kSha1
                                                                   : Digest::kSha256),
      key_(derive(digest_, at(group, "key"))),
      old_key_(derive(digest_, at(group, "old_key"))),
      newest_(with_keys({text_of(at(group, "key"))})),
      rotated_(with_keys({text_of(at(group, "old_key")), text_of(at(group, "key"))})),
      stranger_(with_keys({text_of(at(group, "old_key"))})) {}

void EncryptorCheck::operator()(const Case& recorded, Differences& differences) const {
  const std::string text = json_text(recorded);
  if (recorded.input().is_object()) {
    const auto parsed = Json::parse(text);
    differences.expect_equal("json_text", recorded.input(), parsed ? *parsed : Json());
  }
  check_keys(differences);
  const EncryptionFormat format{digest_,
                                text_of(recorded.output("serialized_plaintext_is")) == "JSON"
                                    ? Serializer::kJson
                                    : Serializer::kMarshal};
  const Json made = make_again(recorded, text, format, differences);
  const Json& golden = recorded.output("encrypted");
  const bool is_omitted = text_of(at(golden, "value")).starts_with(kOmitted);
  check_decrypting(is_omitted ? made : golden, text, format, differences);

  const auto ours = newest_.encrypt(text, format);
  const auto parsed = Json::parse(ours ? *ours : "");
  if (!parsed) return differences.add("could not be encrypted");
  check_decrypting(*parsed, text, format, differences);
}

void EncryptorCheck::check_keys(Differences& differences) const {
  differences.expect_same_text("the derived key", text_of(at(group_, "derived_key_hex")),
                               hex(key_.view()));
  differences.expect_same_text("the derived old key", text_of(at(group_, "derived_old_key_hex")),
                               hex(old_key_.view()));
}

Json EncryptorCheck::make_again(const Case& recorded, const std::string& text,
                                EncryptionFormat format, Differences& differences) const {
  const std::string serialised = format.serializer == Serializer::kJson
                                     ? payload::dump_json_string(text)
                                     : payload::dump_marshal_string(text);
  expect_hex("the serialised text", text_of(recorded.output("serialized_plaintext_hex")),
             serialised, differences);
  const auto sealed =
      crypto::aes256_gcm_seal(key_, from_hex(text_of(recorded.output("iv_hex"))), serialised);
  expect_hex("the tag", text_of(recorded.output("tag_hex")), sealed.tag, differences);
  const std::string message = base::base64_encode(sealed.ciphertext) + "--" +
                              base::base64_encode(sealed.iv) + "--" +
                              base::base64_encode(sealed.tag);
  expect_unless_omitted("the message", text_of(recorded.output("message_before_outer_base64")),
                        message, differences);
  const std::string value = base::base64_encode(message);
  expect_unless_omitted("the value", text_of(at(recorded.output("encrypted"), "value")), value,
                        differences);
  return Json::object({{"__encrypted__", true}, {"value", value}});
}

void EncryptorCheck::check_decrypting(const Json& envelope, const std::string& text,
                                      EncryptionFormat format, Differences& differences) const {
  for (const payload::Encryptor* reader : {&newest_, &rotated_}) {
    const auto decrypted = reader->decrypt(envelope);
    if (!decrypted) return differences.add(decrypted.error().message);
    differences.expect_same_text("the decrypted text", text, decrypted->json);
    if (decrypted->format != format) differences.add("another format is recognised");
  }
  if (stranger_.decrypt(envelope)) differences.add("is decrypted by another key");
}

}  // namespace patient_http::golden
