#include "patient_http/request.h"

#include <gtest/gtest.h>

#include <limits>

namespace patient_http {
namespace {

using namespace std::chrono_literals;

constexpr const char* kUrl = "https://api.example.com/v1";

std::string refusal(RequestOptions options) {
  if (options.url.empty()) options.url = kUrl;
  const auto request = Request::create(std::move(options));
  return request ? "accepted" : request.error().message();
}

std::string json(RequestOptions options) {
  if (options.url.empty()) options.url = kUrl;
  const auto request = Request::create(std::move(options));
  return request ? request->to_json().dump() : request.error().message();
}

TEST(RequestTest, WritesItsKeysInOrder) {
  EXPECT_EQ(json({}), R"({"http_method":"get","url":"https://api.example.com/v1","headers":{},)"
                      R"("body":null,"timeout":null,"max_redirects":null})");
}

TEST(RequestTest, WritesEverythingThatIsGiven) {
  EXPECT_EQ(
      json({.method = HttpMethod::kPost,
            .headers = {{"Authorization", *SecretReference::create("api_token")}, {"X-A", "1"}},
            .params = {{"p", 1}, {"key", SecretReference::create("api_key")->to_json()}},
            .json = Json::object({{"k", "\xc3\xa9"}}),
            .timeout = 2.5s,
            .max_redirects = 0,
            .preprocessors = {"sign"}}),
      "{\"http_method\":\"post\",\"url\":\"https://api.example.com/v1?p=1\",\"headers\":{"
      "\"authorization\":{\"$secret\":\"api_token\"},\"x-a\":\"1\",\"content-type\":"
      "\"application/json; charset=utf-8\"},\"body\":{\"encoding\":\"text\",\"value\":"
      "\"{\\\"k\\\":\\\"\xc3\xa9\\\"}\",\"charset\":\"UTF-8\"},\"timeout\":2.5,\"max_redirects\":0,"
      "\"secret_params\":{\"key\":{\"$secret\":\"api_key\"}},\"preprocessors\":[\"sign\"]}");
}

TEST(RequestTest, RejectsBodyOnGetAndDelete) {
  EXPECT_EQ(refusal({.body = "x"}), "body is not allowed for GET requests");
  EXPECT_EQ(refusal({.method = HttpMethod::kDelete, .body = "x"}),
            "body is not allowed for DELETE requests");
  EXPECT_EQ(refusal({.json = Json(1)}), "body is not allowed for GET requests");
}

TEST(RequestTest, TakesAnEmptyBodyForNone) {
  const auto request = Request::create({.url = kUrl, .body = ""});
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->body(), std::nullopt);
}

TEST(RequestTest, RejectsBodyAndJsonTogether) {
  EXPECT_EQ(refusal({.method = HttpMethod::kPost, .body = "x", .json = Json(1)}),
            "body must not be given together with json");
}

TEST(RequestTest, SerialisesFalseAndNull) {
  // The gem takes `json: false` for no body at all.
  const auto request =
      Request::create({.method = HttpMethod::kPost, .url = kUrl, .json = Json(false)});
  EXPECT_EQ(request->body(), "false");
  EXPECT_EQ(request->headers().get("content-type"), "application/json; charset=utf-8");
  EXPECT_EQ(Request::create({.method = HttpMethod::kPost, .url = kUrl, .json = Json()})->body(),
            "null");
}

TEST(RequestTest, KeepsAGivenContentType) {
  const auto request = Request::create({.method = HttpMethod::kPost,
                                        .url = kUrl,
                                        .headers = {{"Content-Type", "application/vnd.api+json"}},
                                        .json = Json(1)});
  EXPECT_EQ(request->headers().get("content-type"), "application/vnd.api+json");
}

TEST(RequestTest, RejectsUrlsThatCannotBeSent) {
  for (const char* bad : {"/path/only", "example.com/x", "ftp://example.com/x", "http://h/a b"}) {
    EXPECT_THAT(refusal({.url = bad}), testing::StartsWith("url must be an absolute")) << bad;
  }
  EXPECT_EQ(Request::create({}).error().message(), "url is required");
}

TEST(RequestTest, AppendsParamsToAQuery) {
  const auto url = [](std::string text) {
    return Request::create({.url = std::move(text), .params = {{"a", "b c"}}})->url();
  };
  EXPECT_EQ(url("http://h/x"), "http://h/x?a=b+c");
  EXPECT_EQ(url("http://h/x?"), "http://h/x?a=b+c");
  EXPECT_EQ(url("http://h/x?q=%20#f"), "http://h/x?q=%20&a=b+c#f");
  EXPECT_EQ(url("http://h"), "http://h?a=b+c");
}

TEST(RequestTest, RejectsTimeoutsThatAreNoTimeouts) {
  EXPECT_EQ(refusal({.timeout = 0s}), "timeout must be greater than 0, got 0.0");
  EXPECT_EQ(refusal({.timeout = -1s}), "timeout must be greater than 0, got -1.0");
  EXPECT_EQ(refusal({.timeout = Seconds(std::numeric_limits<double>::infinity())}),
            "timeout must be finite");
  EXPECT_EQ(refusal({.timeout = Seconds(std::numeric_limits<double>::quiet_NaN())}),
            "timeout must be finite");
  EXPECT_EQ(refusal({.timeout = 1ms}), "accepted");
}

TEST(RequestTest, RejectsNegativeMaxRedirects) {
  EXPECT_EQ(refusal({.max_redirects = -1}), "max_redirects must be 0 or more, got -1");
}

TEST(RequestTest, RejectsEmptyPreprocessors) {
  EXPECT_EQ(refusal({.preprocessors = {"sign", ""}}),
            "preprocessors must be names, got an empty one");
  EXPECT_EQ(refusal({.preprocessors = {" "}}), "preprocessors must be names, got an empty one");
}

TEST(RequestTest, RejectsHeadersThatWouldBreakTheWire) {
  EXPECT_THAT(refusal({.headers = {{"bad name", "v"}}}), testing::StartsWith("headers must have"));
  EXPECT_THAT(refusal({.headers = {{"x", "a\r\nb: c"}}}),
              testing::StartsWith("headers.x must not"));
  EXPECT_EQ(refusal({.headers = {{"x", "\xe9"}}}), "headers.x must be valid UTF-8");
}

TEST(RequestTest, RejectsTextsThatCannotBeWritten) {
  EXPECT_EQ(refusal({.method = HttpMethod::kPost, .json = Json::object({{"a", "\xff"}})}),
            "json.a must be valid UTF-8");
  EXPECT_EQ(refusal({.params = {{"a", "\xff"}}}), "params.a must be valid UTF-8");
}

TEST(RequestTest, TakesAnyBytesAsBody) {
  const auto request = Request::create({.method = HttpMethod::kPut, .url = kUrl, .body = "\xff"});
  EXPECT_EQ(request->to_json().find("body")->dump(),
            R"({"encoding":"binary","value":"/w==","charset":"ASCII-8BIT"})");
}

TEST(RequestTest, RemembersWhetherATimeoutIsWhole) {
  EXPECT_THAT(json({.timeout = 30s}), testing::HasSubstr(R"("timeout":30,)"));
  EXPECT_THAT(json({.timeout = Seconds(30)}), testing::HasSubstr(R"("timeout":30.0,)"));
  EXPECT_EQ(Request::create({.url = kUrl, .timeout = 30s})->timeout(), Seconds(30));
  EXPECT_EQ(Request::create({.url = kUrl})->timeout(), std::nullopt);
}

}  // namespace
}  // namespace patient_http
