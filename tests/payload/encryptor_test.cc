#include "payload/encryptor.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <thread>

#include "base/text.h"
#include "drivers/crypto/aes_gcm.h"
#include "drivers/crypto/pbkdf2.h"
#include "drivers/crypto/random.h"

namespace patient_http::payload {
namespace {

using Digest = EncryptionFormat::Digest;
using Serializer = EncryptionFormat::Serializer;

const std::string kText = R"({"k":"é☃ <b>&)"
                          "\u2028"
                          R"(","secret":"open sesame"})";

constexpr EncryptionFormat kFormats[] = {{Digest::kSha1, Serializer::kMarshal},
                                         {Digest::kSha1, Serializer::kJson},
                                         {Digest::kSha256, Serializer::kMarshal},
                                         {Digest::kSha256, Serializer::kJson}};

Encryptor with_keys(std::vector<std::string> keys, EncryptionFormat format = {}) {
  return Encryptor(EncryptionOptions{.keys = std::move(keys), .format = format});
}

Json envelope_of(const Encryptor& encryptor, const std::string& text,
                 std::optional<EncryptionFormat> format = {}) {
  return *Json::parse(*encryptor.encrypt(text, format));
}

std::string message_in(const Json& envelope) {
  return *base::base64_decode(*envelope.find("value")->if_string());
}

Json envelope_with(std::string_view message) {
  return Json::object({{"__encrypted__", true}, {"value", base::base64_encode(message)}});
}

// Keys of the slow derivation are made once for all tests.
class EncryptorTest : public testing::Test {
 protected:
  static const Encryptor& one_key() {
    static const Encryptor encryptor = with_keys({"a key"});
    return encryptor;
  }
};

TEST_F(EncryptorTest, WritesTheEnvelopeOfTheGem) {
  const std::string text = *one_key().encrypt(kText);
  const std::string start = R"({"__encrypted__":true,"value":")";
  ASSERT_TRUE(text.starts_with(start));
  ASSERT_TRUE(text.ends_with("\"}"));
  const std::string message = message_in(*Json::parse(text));
  EXPECT_THAT(message, testing::MatchesRegex("[A-Za-z0-9+/]+=*--[A-Za-z0-9+/]{16}--"
                                             "[A-Za-z0-9+/]{22}=="));
}

TEST_F(EncryptorTest, GivesBackWhatItEncrypted) {
  for (const std::string& text :
       {std::string("{}"), kText, std::string(R"({"a":[1,[2.5,{"b":null}]],"":""})"),
        "\"" + std::string(1 << 20, 'x') + "\""}) {
    const auto back = one_key().decrypt(envelope_of(one_key(), text));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_TRUE(back->json == text);
    EXPECT_EQ(back->format, EncryptionFormat());
  }
}

TEST_F(EncryptorTest, NeverEncryptsTheSameWayTwice) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(*one_key().encrypt("{}")).second);
}

TEST_F(EncryptorTest, ReadsEveryFormatWhateverItWrites) {
  for (const EncryptionFormat configured : kFormats) {
    const Encryptor reader = with_keys({"a key"}, configured);
    for (const EncryptionFormat format : kFormats) {
      const auto back = reader.decrypt(envelope_of(one_key(), kText, format));
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_EQ(back->json, kText);
      EXPECT_EQ(back->format, format);
    }
    EXPECT_EQ(one_key().decrypt(envelope_of(reader, kText))->format, configured);
  }
}

TEST_F(EncryptorTest, EncryptsWithTheFirstKeyAndReadsAll) {
  const Encryptor rotated = with_keys({"", "a new key", "", "a key", "an older key"});
  const Encryptor newest = with_keys({"a new key"});
  EXPECT_EQ(rotated.decrypt(envelope_of(one_key(), kText))->json, kText);
  EXPECT_EQ(rotated.decrypt(envelope_of(with_keys({"an older key"}), kText))->json, kText);
  const Json written = envelope_of(rotated, kText);
  EXPECT_EQ(newest.decrypt(written)->json, kText);
  EXPECT_FALSE(one_key().decrypt(written));
}

TEST_F(EncryptorTest, RefusesWhatAnotherKeyEncrypted) {
  const auto result = with_keys({"another key", "a Key"}).decrypt(envelope_of(one_key(), kText));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "cannot decrypt data: no encryption key that is set up here fits, or the data was "
            "changed");
}

TEST_F(EncryptorTest, RefusesEveryChangedByteOfAMessage) {
  const std::string message = message_in(envelope_of(one_key(), R"({"a":1})"));
  for (std::size_t i = 0; i < message.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = message;
      changed[i] = static_cast<char>(c);
      if (changed == message) continue;
      ASSERT_FALSE(one_key().decrypt(envelope_with(changed))) << i << " " << c;
    }
  }
}

TEST_F(EncryptorTest, RefusesEveryChangedByteOfAValue) {
  const Json envelope = envelope_of(one_key(), R"({"a":1})");
  const std::string value = *envelope.find("value")->if_string();
  for (std::size_t i = 0; i < value.size(); ++i) {
    for (const char c : std::string("A=+/-z \n\x80\0", 10)) {
      std::string changed = value;
      changed[i] = c;
      if (changed == value) continue;
      Json other = envelope;
      other.set("value", changed);
      ASSERT_FALSE(one_key().decrypt(other)) << i << " " << c;
    }
  }
}

TEST_F(EncryptorTest, RefusesEveryTruncation) {
  const std::string message = message_in(envelope_of(one_key(), R"({"a":1})"));
  for (std::size_t size = 0; size < message.size(); ++size) {
    ASSERT_FALSE(one_key().decrypt(envelope_with(message.substr(0, size)))) << size;
    ASSERT_FALSE(one_key().decrypt(envelope_with(message.substr(message.size() - size)))) << size;
  }
  EXPECT_FALSE(one_key().decrypt(envelope_with(message + "--")));
  EXPECT_FALSE(one_key().decrypt(envelope_with(message + "--AAAA")));
  EXPECT_FALSE(one_key().decrypt(envelope_with("--" + message)));
}

// Somebody who has the key may have encrypted anything.
TEST_F(EncryptorTest, RefusesAnythingElseThanOneString) {
  const crypto::SecretBytes key = crypto::pbkdf2(crypto::HmacDigest::kSha1, "a key",
                                                 "patient_http_payload_encryption", 65536, 32);
  for (const std::string& content : {std::string("\x04\x08[\x06i\x06"), std::string("{\"a\":1}"),
                                     std::string(), std::string("\x04\x08:\x06x")}) {
    const auto sealed =
        crypto::aes256_gcm_seal(key, crypto::random_bytes(crypto::kGcmIvSize), content);
    const auto refused = one_key().decrypt(envelope_with(base::base64_encode(sealed.ciphertext) +
                                                         "--" + base::base64_encode(sealed.iv) +
                                                         "--" + base::base64_encode(sealed.tag)));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message,
                testing::MatchesRegex("cannot decrypt data: it holds (something|neither).*"));
  }
}

TEST_F(EncryptorTest, SaysWhatIsWrongWithAnEnvelope) {
  const auto message_of = [](const char* text) {
    return one_key().decrypt(*Json::parse(text)).error().message;
  };
  const std::string no_value = "cannot decrypt data: it is no envelope with a value";
  EXPECT_EQ(message_of(R"({"__encrypted__":true})"), no_value);
  EXPECT_EQ(message_of(R"({"__encrypted__":true,"value":null})"), no_value);
  EXPECT_EQ(message_of(R"({"__encrypted__":true,"value":17})"), no_value);
  EXPECT_EQ(message_of(R"({"a":1})"), no_value);
  EXPECT_EQ(message_of(R"({"__encrypted__":true,"value":"sesame!"})"),
            "cannot decrypt data: the value of its envelope is no base64");
  for (const char* text :
       {R"({"__encrypted__":true,"value":""})", R"({"__encrypted__":true,"value":"eA=="})"}) {
    EXPECT_EQ(message_of(text),
              "cannot decrypt data: its envelope is cut off, or of a form not known here");
  }
}

TEST_F(EncryptorTest, KnowsEnvelopesAsTheGemDoes) {
  const auto is_encrypted = [](const char* text) {
    return Encryptor::is_encrypted(*Json::parse(text));
  };
  EXPECT_TRUE(is_encrypted(R"({"__encrypted__":true,"value":"x"})"));
  EXPECT_TRUE(is_encrypted(R"({"__encrypted__":true})"));
  EXPECT_TRUE(is_encrypted(R"({"__encrypted__":1,"value":"x"})"));
  for (const char* other : {R"({"__encrypted__":false,"value":"q"})", R"({"__encrypted__":null})",
                            R"({"a":1})", "null", R"("__encrypted__")", "[]", "{}"}) {
    EXPECT_FALSE(is_encrypted(other)) << other;
  }
}

TEST_F(EncryptorTest, LetsEverythingPassWithoutKeys) {
  for (const Encryptor& encryptor : {Encryptor(), with_keys({}), with_keys({"", ""})}) {
    EXPECT_FALSE(encryptor.is_enabled());
    EXPECT_EQ(encryptor.encrypt(kText), kText);
    const auto refused = encryptor.decrypt(envelope_of(one_key(), kText));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "cannot decrypt data: no encryption key is set up here");
  }
  EXPECT_TRUE(one_key().is_enabled());
}

TEST_F(EncryptorTest, UsesTheFunctionsOfTheUser) {
  const auto backwards = [](std::string_view bytes) {
    return std::string(bytes.rbegin(), bytes.rend()) + std::string("\0\xff", 2);
  };
  const auto forwards = [](std::string_view bytes) {
    return std::string(bytes.rbegin() + 2, bytes.rend());
  };
  const Encryptor encryptor(EncryptionOptions{.encrypt = backwards, .decrypt = forwards});
  EXPECT_TRUE(encryptor.is_enabled());
  const Json envelope = envelope_of(encryptor, kText);
  EXPECT_EQ(message_in(envelope), backwards(kText));
  const auto back = encryptor.decrypt(envelope);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->json, kText);
  EXPECT_EQ(back->format, std::nullopt);
}

TEST_F(EncryptorTest, DoesNotRepeatWhatAFunctionThrows) {
  const auto fails = [](std::string_view bytes) -> std::string {
    throw std::runtime_error("cannot take " + std::string(bytes));
  };
  const auto fails_oddly = [](std::string_view) -> std::string { throw 7; };
  for (const auto& function :
       std::vector<std::function<std::string(std::string_view)>>{fails, fails_oddly}) {
    const Encryptor encryptor(EncryptionOptions{.encrypt = function, .decrypt = function});
    EXPECT_EQ(encryptor.encrypt(kText).error().message,
              "cannot encrypt data: the encrypt function threw");
    EXPECT_EQ(encryptor.decrypt(envelope_with("open sesame")).error().message,
              "cannot decrypt data: the decrypt function threw");
  }
}

TEST_F(EncryptorTest, RefusesOptionsThatContradictEachOther) {
  const auto same = [](std::string_view bytes) { return std::string(bytes); };
  EXPECT_THROW(Encryptor(EncryptionOptions{.keys = {"k"}, .encrypt = same, .decrypt = same}),
               std::invalid_argument);
  EXPECT_THROW(Encryptor(EncryptionOptions{.encrypt = same}), std::invalid_argument);
  EXPECT_THROW(Encryptor(EncryptionOptions{.decrypt = same}), std::invalid_argument);
  EXPECT_THROW(Encryptor(EncryptionOptions{.keys = {"k"}, .encrypt = same}), std::invalid_argument);
  EXPECT_NO_THROW(Encryptor(EncryptionOptions{.keys = {""}, .encrypt = same, .decrypt = same}));
}

TEST_F(EncryptorTest, MayMove) {
  Encryptor first = with_keys({"a key"});
  const Encryptor second(std::move(first));
  first = Encryptor();
  EXPECT_FALSE(first.is_enabled());
  EXPECT_EQ(second.decrypt(envelope_of(one_key(), kText))->json, kText);
}

TEST_F(EncryptorTest, WorksOnManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([i] {
      for (int k = 0; k < 200; ++k) {
        const std::string text = "{\"n\":" + std::to_string(i * 1000 + k) + "}";
        const auto back = one_key().decrypt(envelope_of(one_key(), text, kFormats[k % 4]));
        ASSERT_TRUE(back);
        EXPECT_EQ(back->json, text);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace patient_http::payload
