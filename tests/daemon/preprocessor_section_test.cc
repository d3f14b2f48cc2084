#include "daemon/preprocessor_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/text.h"
#include "daemon/configuration_file.h"
#include "drivers/crypto/hmac.h"
#include "patient_http/inline_executor.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"

namespace patient_http::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

class PreprocessorSectionTest : public testing::Test {
 protected:
  std::string problems(const std::string& text) {
    std::ofstream(path()) << text;
    options_ = ProcessorOptions{.retries = 0, .log = Log()};
    const auto read = read_configuration_file(path(), options_);
    return read ? std::string() : read.error().message;
  }
  [[nodiscard]] std::string path() const { return folder_.file("patient-http.toml"); }

  // What a server gets that is sent "text" by way of a preprocessor.
  test::ReceivedRequest received_by_way_of(const std::string& preprocessor) {
    test::TestHttpServer server;
    const auto request = Request::create({.method = HttpMethod::kPost,
                                          .url = server.url("/a?b=1"),
                                          .body = "text",
                                          .preprocessors = {preprocessor}});
    const auto response = InlineExecutor(options_).send(request.value());
    EXPECT_TRUE(response.has_value()) << response.error().message();
    return response ? server.requests().at(0) : test::ReceivedRequest();
  }
  std::string header(const std::string& preprocessor, const std::string& name) {
    const auto values = received_by_way_of(preprocessor).header(name);
    return values.empty() ? "(none)" : values.front();
  }

  test::TemporaryFolder folder_;
  ProcessorOptions options_;
};

TEST_F(PreprocessorSectionTest, SetsUpEachType) {
  std::ofstream(folder_.file("key")) << "k3y\n";
  ASSERT_EQ(problems("[preprocessors.token]\n"
                     "type = \"bearer\"\ntoken = { secret = \"api_token\" }\n"
                     "[preprocessors.hook]\n"
                     "type = \"hmac\"\nsecret = { file = \"key\" }\nheader = \"X-Hook\"\n"
                     "algorithm = \"sha512\"\nencoding = \"base64\"\nprefix = \"v1=\"\n"
                     "parts = [\"method\", \"query\", \"body\"]\nseparator = \".\"\n"
                     "[preprocessors.aws]\n"
                     "type = \"aws_sigv4\"\nservice = \"s3\"\nregion = \"eu-central-1\"\n"
                     "access_key_id = \"AKID\"\nsecret_access_key = { command = \"echo k3y\" }\n"
                     "session_token = \"t0ken\"\nsigns_body = false\n"
                     "[secrets]\napi_token = \"from the secrets\"\n"),
            "");
  EXPECT_EQ(options_.preprocessors.names(), (std::vector<std::string>{"aws", "hook", "token"}));
  EXPECT_EQ(header("token", "authorization"), "Bearer from the secrets");
  EXPECT_EQ(header("hook", "x-hook"),
            "v1=" + base::base64_encode(
                        crypto::hmac(crypto::HmacDigest::kSha512, "k3y", "POST.b=1.text").view()));
  const auto aws = received_by_way_of("aws");
  EXPECT_THAT(aws.header("authorization").at(0),
              AllOf(HasSubstr("Credential=AKID/"), HasSubstr("/eu-central-1/s3/aws4_request")));
  EXPECT_EQ(aws.header("x-amz-security-token").at(0), "t0ken");
  EXPECT_EQ(aws.header("x-amz-content-sha256").at(0), "UNSIGNED-PAYLOAD");
}

TEST_F(PreprocessorSectionTest, FindsASecretThatIsReplacedLater) {
  ASSERT_EQ(problems("[secrets]\na = \"one\"\n[preprocessors]\n"
                     "token = { type = \"bearer\", token = { secret = \"a\" } }\n"),
            "");
  EXPECT_EQ(header("token", "authorization"), "Bearer one");
  options_.secrets.register_secret("a", [] { return std::optional<std::string>("two"); });
  EXPECT_EQ(header("token", "authorization"), "Bearer two");
}

TEST_F(PreprocessorSectionTest, ReportsEverythingThatIsWrongWithItsLine) {
  const std::string found = problems(
      "[preprocessors.aws]\n"
      "type = \"aws_sigv4\"\n"
      "service = \"S3\"\n"
      "secret_access_key = \"hunter2\"\n"
      "signs_body = false\n"
      "[preprocessors.hook]\n"
      "type = \"hmac\"\n"
      "secret = { secret = \"nobody\" }\n"
      "algorithm = \"md5\"\n"
      "parts = [\"body\", 1]\n"
      "headr = \"x\"\n"
      "[preprocessors.other]\n"
      "type = \"digest\"\nuser = \"hunter2\"\n"
      "[preprocessors.token]\n"
      "type = \"bearer\"\n"
      "[preprocessors.late]\n"
      "type = \"hmac\"\nsecret = { env = \"X\" }\nparts = [\"timestamp\", \"bodi\"]\n");
  std::string expected;
  for (const char* line :
       {"1: preprocessors.aws.region must be a name such as us-east-1",
        "1: preprocessors.aws.access_key_id must say where it is found",
        "3: preprocessors.aws.service must be the name that AWS signs with, such as s3 or bedrock",
        "5: preprocessors.aws.signs_body may be false for the service s3 only",
        "8: preprocessors.hook.secret refers to a secret that [secrets] does not have",
        "9: preprocessors.hook.algorithm must be one of: sha1, sha256, sha512",
        "10: preprocessors.hook.parts must be a list of texts in quotes",
        "11: unknown key preprocessors.hook.headr; did you mean header?",
        "13: preprocessors.other.type must be one of: aws_sigv4, hmac, bearer",
        "15: preprocessors.token.token must say where it is found",
        "17: preprocessors.late.timestamp_header must name a header: timestamp is among the parts",
        "20: preprocessors.late.parts has one that is not known, \"bodi\"; there are method, host, "
        "path, query, body, body_sha256, timestamp, header:NAME and text:TEXT"}) {
    expected += (expected.empty() ? "" : "\n") + path() + ":" + line;
  }
  EXPECT_EQ(found, expected);
  EXPECT_THAT(found, Not(HasSubstr("hunter2")));
}

TEST_F(PreprocessorSectionTest, TakesTablesOnly) {
  EXPECT_EQ(problems("[preprocessors]\na = \"bearer\"\nb = {}\n"),
            path() + ":2: preprocessors.a must be a table\n" + path() +
                ":3: preprocessors.b.type must be one of: aws_sigv4, hmac, bearer");
  EXPECT_THAT(problems("[preprocessors]\na = { type = \"bearer\", token = 7 }\n"),
              HasSubstr(":2: preprocessors.a.token must be the value in quotes, or { secret = "
                        "\"NAME\" } for one of [secrets], { env"));
  EXPECT_THAT(problems("[preprocessors]\na = { type = \"bearer\", token = \"\" }\n"),
              HasSubstr("preprocessors.a.token must not be empty"));
}

}  // namespace
}  // namespace patient_http::daemon
