#include "patient_http/signing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "base/text.h"
#include "drivers/crypto/hmac.h"
#include "drivers/crypto/sha256.h"
#include "engine/aws_signature.h"
#include "engine/sent_url.h"
#include "patient_http/inline_executor.h"
#include "support/test_http2_server.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Headers = std::vector<OutgoingRequest::Header>;

constexpr const char* kId = "AKIDEXAMPLE";
constexpr const char* kKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

SecretFunction value(std::optional<std::string> text) {
  return [text = std::move(text)] { return text; };
}

// 2015-08-30T12:36:00Z
std::chrono::system_clock::time_point then() {
  return std::chrono::system_clock::from_time_t(1440938160);
}

AwsSigV4Options aws_options(const std::string& service = "service") {
  return {.service = service,
          .region = "us-east-1",
          .access_key_id = value(kId),
          .secret_access_key = value(kKey),
          .now = then};
}

// The headers after `sign` has seen a request.
Headers signed_by(const Preprocessor& sign, HttpMethod method, const std::string& url,
                  Headers headers, const std::optional<std::string>& body = std::nullopt) {
  OutgoingRequest request(method, url, body, std::move(headers));
  sign(request);
  return request.take_headers();
}

std::string get(const Headers& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const auto& header) { return header.first == name; });
  return found == headers.end() ? "(none)" : found->second;
}

// What stands behind `name` in an authorization header.
std::string part(const std::string& authorization, const std::string& name) {
  const std::size_t begin = authorization.find(name + "=") + name.size() + 1;
  return authorization.substr(begin, authorization.find(',', begin) - begin);
}

TEST(AwsSigV4Test, SignsAsTheTestSuiteOfAws) {
  const Headers headers =
      signed_by(aws_sigv4(aws_options()), HttpMethod::kPost, "https://example.amazonaws.com/",
                {{"host", "example.amazonaws.com"},
                 {"content-type", "application/x-www-form-urlencoded"},
                 {"user-agent", "PatientHttp"},
                 {"x-request-id", "1"},
                 {"accept-encoding", "gzip"}},
                "Param1=value1");
  EXPECT_EQ(get(headers, "authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
  EXPECT_EQ(get(headers, "x-amz-date"), "20150830T123600Z");
  EXPECT_EQ(get(headers, "x-amz-content-sha256"), "(none)") << "that is for S3";
}

TEST(AwsSigV4Test, SendsAndSignsTheSessionToken) {
  AwsSigV4Options options = aws_options();
  options.session_token = value("6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267");
  const Headers headers =
      signed_by(aws_sigv4(options), HttpMethod::kGet, "https://example.amazonaws.com/",
                {{"host", "example.amazonaws.com"}, {"x-amz-security-token", "an old one"}});
  EXPECT_EQ(part(get(headers, "authorization"), "Signature"),
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8");
  EXPECT_EQ(get(headers, "x-amz-security-token"), *options.session_token());
  options.session_token = value(std::nullopt);
  EXPECT_EQ(part(get(signed_by(aws_sigv4(options), HttpMethod::kGet,
                               "https://example.amazonaws.com/", {}),
                     "authorization"),
                 "Signature"),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
      << "without a value there is none; and the host is that of the url";
}

TEST(AwsSigV4Test, SendsTheHashOfTheBodyToS3) {
  const auto hash_of = [](const AwsSigV4Options& options, const std::optional<std::string>& body) {
    return get(
        signed_by(aws_sigv4(options), HttpMethod::kPut, "https://b.s3.amazonaws.com/k", {}, body),
        "x-amz-content-sha256");
  };
  AwsSigV4Options options = aws_options("s3");
  EXPECT_EQ(hash_of(options, "text"), crypto::sha256_hex("text"));
  EXPECT_EQ(hash_of(options, std::nullopt), crypto::sha256_hex(""));
  options.signs_body = false;
  EXPECT_EQ(hash_of(options, "text"), "UNSIGNED-PAYLOAD");
}

TEST(AwsSigV4Test, LeavesOutWhatIsNotSentAsItIsSigned) {
  const Headers headers = signed_by(
      aws_sigv4(aws_options()), HttpMethod::kGet, "https://h/",
      {{"authorization", "Bearer old"}, {"te", "trailers"}, {"connection", "x"}, {"x-mine", "1"}});
  EXPECT_EQ(part(get(headers, "authorization"), "SignedHeaders"), "host;x-amz-date;x-mine");
  EXPECT_THAT(get(headers, "authorization"), Not(HasSubstr("Bearer")));
}

TEST(AwsSigV4Test, AsksForItsSecretsEachTime) {
  std::string key = "one";
  AwsSigV4Options options = aws_options();
  options.secret_access_key = [&key] { return key; };
  const Preprocessor sign = aws_sigv4(options);
  const auto signature = [&] {
    return get(signed_by(sign, HttpMethod::kGet, "https://h/", {}), "authorization");
  };
  const std::string first = signature();
  EXPECT_EQ(first, signature());
  key = "two";
  EXPECT_NE(first, signature());
}

TEST(AwsSigV4Test, FailsWithoutASecretAndShowsNone) {
  const auto message = [](const AwsSigV4Options& options) {
    try {
      static_cast<void>(signed_by(aws_sigv4(options), HttpMethod::kGet, "https://h/", {}));
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  AwsSigV4Options options = aws_options();
  options.access_key_id = value("");
  EXPECT_EQ(message(options), "the access key id is empty");
  options = aws_options();
  options.secret_access_key = value(std::nullopt);
  EXPECT_EQ(message(options), "the secret access key is empty");
  options = aws_options();
  options.access_key_id = value("two\nlines");
  EXPECT_THAT(message(options), HasSubstr("authorization holds a line break"));
  EXPECT_THAT(message(options), Not(HasSubstr("two")));
}

TEST(AwsSigV4Test, SaysAllThatIsWrong) {
  const AwsSigV4Options nothing{.signs_body = false};
  EXPECT_THAT(nothing.validate(),
              ElementsAre("service must be the name that AWS signs with, such as s3 or bedrock",
                          "region must be a name such as us-east-1",
                          "access_key_id must say where it is found",
                          "secret_access_key must say where it is found",
                          "signs_body may be false for the service s3 only"));
  EXPECT_THROW(static_cast<void>(aws_sigv4(nothing)), std::invalid_argument);
  EXPECT_TRUE(aws_options().validate().empty());
}

// The signature that what came in should have, by the headers that it says are signed.
std::string signature_of(const std::string& method, const std::string& target,
                         const Headers& headers, const std::string& body) {
  const std::string authorization = get(headers, "authorization");
  const std::string url = "http://h" + target;
  const engine::SentUrl parts(url);
  const std::string hash = crypto::sha256_hex(body);
  engine::AwsRequest request{
      .method = method, .path = parts.path, .query = parts.query, .payload_hash = hash};
  std::istringstream names(part(authorization, "SignedHeaders"));
  for (std::string name; std::getline(names, name, ';');) {
    for (const auto& header : headers) {
      if (header.first == name) request.headers.emplace_back(header.first, header.second);
    }
  }
  const engine::AwsScope scope{get(headers, "x-amz-date"), "us-east-1", "service"};
  return engine::aws_signature(
      kKey, scope, engine::aws_string_to_sign(scope, engine::aws_canonical_request(request)));
}

Headers headers_of(const test::ReceivedRequest& request) {
  Headers headers;
  std::istringstream lines(request.head);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line.size() > 1) {
    const std::size_t colon = line.find(':');
    headers.emplace_back(base::ascii_lower(line.substr(0, colon)),
                         std::string(base::trim(line.substr(colon + 1))));
  }
  return headers;
}

class SignedExchangeTest : public testing::Test {
 protected:
  SignedExchangeTest() {
    options_.retries = 0;
    options_.log = Log();
    options_.secrets.register_secret("pin", "4 2");
    options_.preprocessors.register_preprocessor("aws", aws_sigv4(aws_options()));
    options_.preprocessors.register_preprocessor("more", [](OutgoingRequest& request) {
      request.set_header("x-more", "two   spaces");
      request.add_param("more", "a b&c");
    });
  }

  static Request request(const std::string& url) {
    return Request::create({.method = HttpMethod::kPost,
                            .url = url,
                            .headers = {{"x-list", std::vector<std::string>{"1", "2"}}},
                            .params = {{"pin", SecretReference::create("pin")->to_json()}},
                            .json = Json::object({{"a", 1}}),
                            .preprocessors = {"more", "aws"}})
        .value();
  }

  ProcessorOptions options_;
};

TEST_F(SignedExchangeTest, CoversWhatIsSent) {
  test::TestHttpServer server;
  const auto response =
      InlineExecutor(options_).send(request(server.url("/%C3%A4%20b/../c?z=1&a=+")));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  const auto received = server.requests().at(0);
  const Headers headers = headers_of(received);
  EXPECT_EQ(part(get(headers, "authorization"), "SignedHeaders"),
            "content-type;host;x-amz-date;x-list;x-more");
  EXPECT_EQ(get(headers, "host"), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_THAT(received.target, HasSubstr("pin=4+2&more=a+b%26c"));
  EXPECT_EQ(part(get(headers, "authorization"), "Signature"),
            signature_of("POST", received.target, headers, received.body));
}

TEST_F(SignedExchangeTest, CoversTheAuthorityOfHttp2) {
  test::TestHttp2Server server;
  options_.ca_file = test::TestCertificate::get().ca_file;
  const auto response = InlineExecutor(options_).send(request(server.url("/c?z=1")));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  auto received = server.requests().at(0);
  received.headers.emplace_back("host", received.header(":authority"));
  EXPECT_EQ(part(get(received.headers, "authorization"), "Signature"),
            signature_of("POST", received.header(":path"), received.headers, received.body));
}

TEST_F(SignedExchangeTest, SignsARedirectOnlyOnTheSameOrigin) {
  test::TestHttpServer server;
  test::TestHttpServer other;
  server.answer("/a", 307, "", "location: /b\r\n");
  server.answer("/b", 307, "", "location: " + other.url("/c") + "\r\n");
  const auto response = InlineExecutor(options_).send(request(server.url("/a")));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  const auto second = server.requests().at(1);
  const Headers headers = headers_of(second);
  EXPECT_EQ(part(get(headers, "authorization"), "Signature"),
            signature_of("POST", second.target, headers, second.body));
  EXPECT_TRUE(other.requests().at(0).header("authorization").empty());
  EXPECT_TRUE(other.requests().at(0).header("x-amz-date").empty());
}

HmacOptions hmac_options() {
  return {.secret = value("key"), .now = then};
}

std::string code(crypto::HmacDigest digest, const std::string& text) {
  return std::string(crypto::hmac(digest, "key", text).view());
}

TEST(HmacSignatureTest, SignsTheBody) {
  HmacOptions options = hmac_options();
  options.header = "X-Hub-Signature-256";
  options.prefix = "sha256=";
  const Headers headers =
      signed_by(hmac_signature(options), HttpMethod::kPost, "https://h/", {}, "text");
  EXPECT_EQ(get(headers, "x-hub-signature-256"),
            "sha256=" + base::hex_encode(code(crypto::HmacDigest::kSha256, "text")));
}

TEST(HmacSignatureTest, SignsThePartsInTheirOrder) {
  HmacOptions options = hmac_options();
  options.parts = {"text:v0", "timestamp",        "method",      "host", "path",
                   "query",   "header:X-Several", "header:none", "body", "body_sha256"};
  options.separator = "|";
  options.timestamp_header = "x-time";
  options.algorithm = HmacAlgorithm::kSha512;
  options.encoding = SignatureEncoding::kBase64;
  const Headers headers =
      signed_by(hmac_signature(options), HttpMethod::kPost, "https://u@h:8443/a%20b?c=d&e",
                {{"x-several", "1"}, {"x-other", "2"}, {"x-several", "3"}}, "text");
  EXPECT_EQ(get(headers, "x-time"), "1440938160");
  EXPECT_EQ(get(headers, "x-signature"),
            base::base64_encode(code(crypto::HmacDigest::kSha512,
                                     "v0|1440938160|POST|h:8443|/a%20b|c=d&e|1, 3||text|" +
                                         crypto::sha256_hex("text"))));
  options.algorithm = HmacAlgorithm::kSha1;
  options.parts = {"path", "body"};
  options.timestamp_header = "";
  EXPECT_EQ(
      get(signed_by(hmac_signature(options), HttpMethod::kGet, "https://h", {}), "x-signature"),
      base::base64_encode(code(crypto::HmacDigest::kSha1, "/|")));
}

TEST(HmacSignatureTest, SaysAllThatIsWrong) {
  HmacOptions options{.header = "a b", .prefix = "\n", .parts = {"header:", "bodi"}};
  EXPECT_THAT(options.validate(),
              ElementsAre("secret must say where it is found",
                          "header must be the name of a header, such as x-signature",
                          "prefix must not hold a line break or another control character",
                          HasSubstr("parts has one that is not known, \"header:\""),
                          HasSubstr("\"bodi\"; there are method, host, path")));
  EXPECT_THROW(static_cast<void>(hmac_signature(options)), std::invalid_argument);
  options = hmac_options();
  options.header = "Content-Length";
  options.parts = {};
  EXPECT_THAT(options.validate(), ElementsAre(HasSubstr("the engine decides on Content-Length"),
                                              "parts must not be empty: they say what is signed"));
  options = hmac_options();
  options.parts = {"timestamp"};
  EXPECT_THAT(options.validate(), ElementsAre(HasSubstr("timestamp_header must name a header")));
  options.timestamp_header = "TE";
  EXPECT_THAT(options.validate(), ElementsAre(HasSubstr("the engine decides on TE")));
  options.timestamp_header = "X-Signature";
  EXPECT_THAT(options.validate(),
              ElementsAre(HasSubstr("must not be the header of the signature")));
}

TEST(BearerTokenTest, SetsTheHeader) {
  const Headers headers = signed_by(bearer_token(value("t0ken")), HttpMethod::kGet, "https://h/",
                                    {{"authorization", "Basic old"}});
  EXPECT_EQ(get(headers, "authorization"), "Bearer t0ken");
  EXPECT_THROW(
      static_cast<void>(signed_by(bearer_token(value("")), HttpMethod::kGet, "https://h/", {})),
      std::runtime_error);
  EXPECT_THROW(static_cast<void>(bearer_token({})), std::invalid_argument);
}

}  // namespace
}  // namespace patient_http
