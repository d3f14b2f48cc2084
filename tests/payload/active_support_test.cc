// What we encrypt, Debian's real ActiveSupport decrypts, and the other way round
// (message_encryptor.rb). Needs the package ruby-activesupport, and fails without it.

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "patient_http/json.h"
#include "payload/encryptor.h"
#include "support/checkout.h"
#include "support/program.h"
#include "support/temporary_folder.h"

namespace patient_http::payload {
namespace {

using Digest = EncryptionFormat::Digest;
using Serializer = EncryptionFormat::Serializer;

constexpr const char* kKey = "a key of many letters, é☃";

constexpr EncryptionFormat kFormats[] = {{Digest::kSha1, Serializer::kMarshal},
                                         {Digest::kSha1, Serializer::kJson},
                                         {Digest::kSha256, Serializer::kMarshal},
                                         {Digest::kSha256, Serializer::kJson}};

struct Sample {
  EncryptionFormat format;
  std::string text;
};

// Each format with texts around the lengths at which Marshal's form changes.
std::vector<Sample> samples() {
  std::vector<std::string> texts = {"{}", "{\"k\":\"é☃😀 <b>&amp;\u2028\u2029\"}",
                                    R"({"k":"\u0000\n\"\\","n":[1,2.5,null,true]})"};
  for (const std::size_t size : {122U, 123U, 255U, 256U, 65535U, 65536U, 1048576U})
    texts.push_back("\"" + std::string(size - 2, 'x') + "\"");
  std::vector<Sample> all;
  for (const EncryptionFormat format : kFormats) {
    for (const std::string& text : texts) all.push_back({format, text});
  }
  return all;
}

Json question(const char* action, EncryptionFormat format, const char* key) {
  return Json::object({{"action", action},
                       {"digest", format.digest == Digest::kSha1 ? "SHA1" : "SHA256"},
                       {"serializer", format.serializer == Serializer::kJson ? "JSON" : "Marshal"},
                       {"key", key}});
}

// Runs the script on all questions at once: a start of Ruby takes a second.
std::vector<Json> ask_ruby(const std::vector<Json>& questions) {
  const test::TemporaryFolder folder;
  std::string input;
  for (const Json& each : questions) input += each.dump() + "\n";
  test::write_file(folder.file("questions"), input);
  const std::string command =
      "ruby " PATIENT_HTTP_SOURCE_DIR "/tests/payload/message_encryptor.rb <" +
      folder.file("questions") + " >" + folder.file("answers") + " 2>" + folder.file("errors");
  EXPECT_EQ(std::system(command.c_str()), 0)
      << "is ruby-activesupport installed? " << test::read_file(folder.file("errors"));
  std::vector<Json> answers;
  for (const std::string& line : test::lines_of(test::read_file(folder.file("answers"))))
    answers.push_back(*Json::parse(line));
  EXPECT_EQ(answers.size(), questions.size());
  answers.resize(questions.size());
  return answers;
}

class ActiveSupportTest : public testing::Test {
 protected:
  const Encryptor ours_{EncryptionOptions{.keys = {kKey}}};
};

TEST_F(ActiveSupportTest, DecryptsWhatWeEncrypt) {
  const std::vector<Sample> all = samples();
  std::vector<Json> questions;
  for (const Sample& sample : all) {
    questions.push_back(question("decrypt", sample.format, kKey));
    questions.back().set("envelope", *Json::parse(*ours_.encrypt(sample.text, sample.format)));
  }
  const std::vector<Json> answers = ask_ruby(questions);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Json* const text = answers[i].find("text");
    ASSERT_TRUE(text && text->if_string()) << answers[i].dump();
    EXPECT_TRUE(*text->if_string() == all[i].text) << all[i].text.substr(0, 60);
  }
}

TEST_F(ActiveSupportTest, EncryptsWhatWeDecrypt) {
  const std::vector<Sample> all = samples();
  std::vector<Json> questions;
  for (const Sample& sample : all) {
    questions.push_back(question("encrypt", sample.format, kKey));
    questions.back().set("text", sample.text);
  }
  const std::vector<Json> answers = ask_ruby(questions);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Json* const envelope = answers[i].find("envelope");
    ASSERT_TRUE(envelope) << answers[i].dump();
    const auto decrypted = ours_.decrypt(*envelope);
    ASSERT_TRUE(decrypted) << decrypted.error().message;
    EXPECT_TRUE(decrypted->json == all[i].text) << all[i].text.substr(0, 60);
    EXPECT_EQ(decrypted->format, all[i].format);
  }
}

TEST_F(ActiveSupportTest, RefusesWhatAnotherKeyOrDigestEncrypted) {
  Json of_another_key = question("decrypt", kFormats[0], "another key");
  Json of_another_digest = question("decrypt", kFormats[2], kKey);
  for (Json* const each : {&of_another_key, &of_another_digest})
    each->set("envelope", *Json::parse(*ours_.encrypt("{}", kFormats[0])));
  for (const Json& answer : ask_ruby({of_another_key, of_another_digest}))
    EXPECT_TRUE(answer.find("refused")) << answer.dump();
}

}  // namespace
}  // namespace patient_http::payload
