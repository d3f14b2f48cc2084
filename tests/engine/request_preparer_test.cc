#include "engine/request_preparer.h"

#include <gtest/gtest.h>

namespace patient_http::engine {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

SecretReference secret(const char* name) {
  return *SecretReference::create(name);
}

Result<PreparedRequest, UnpreparedRequest> prepare_with(const RequestPreparer& preparer,
                                                        RequestOptions options) {
  if (options.url.empty()) options.url = "http://h:81/p?q=1#f";
  const Request request = Request::create(std::move(options)).value();
  const auto ingredients = preparer.look_up(request);
  if (!ingredients) return unexpected(ingredients.error());
  return preparer.prepare(request, "id-1", *ingredients);
}

Result<PreparedRequest, UnpreparedRequest> prepare(RequestOptions options,
                                                   const std::string& user_agent = "Agent") {
  return prepare_with(RequestPreparer(user_agent), std::move(options));
}

Headers headers(RequestOptions options, const std::string& user_agent = "Agent") {
  return prepare(std::move(options), user_agent)->headers;
}

TEST(RequestPreparerTest, AddsTheHeadersThatEveryRequestHas) {
  EXPECT_EQ(headers({}), (Headers{{"host", "h:81"},
                                  {"x-request-id", "id-1"},
                                  {"user-agent", "Agent"},
                                  {"accept-encoding", "gzip, deflate"}}));
}

TEST(RequestPreparerTest, SendsNoUserAgentWhenNoneIsConfigured) {
  for (const auto& [name, value] : headers({}, "")) EXPECT_NE(name, "user-agent");
}

TEST(RequestPreparerTest, LetsGivenHeadersWinOnOneLineEach) {
  // The gem sends its own beside them (B22).
  EXPECT_EQ(
      headers(
          {.headers = {{"Host", "other"}, {"User-Agent", "UA"}, {"Accept-Encoding", "identity"}}}),
      (Headers{{"host", "other"},
               {"user-agent", "UA"},
               {"accept-encoding", "identity"},
               {"x-request-id", "id-1"}}));
}

TEST(RequestPreparerTest, SendsItsOwnIdInThePlaceOfOneThatIsGiven) {
  EXPECT_EQ(headers({.headers = {{"X-Request-Id", "mine"}, {"x-a", "1"}}})[1],
            std::pair(std::string("x-request-id"), std::string("id-1")));
  EXPECT_EQ(headers({.headers = {{"X-Request-Id", "mine"}}}).size(), headers({}).size());
}

TEST(RequestPreparerTest, DecidesOnTheFramingItself) {
  for (const char* name : {"content-length", "transfer-encoding", "keep-alive", "te", "upgrade",
                           "proxy-connection", "proxy-authorization"}) {
    EXPECT_EQ(headers({.headers = {{name, "1"}}}), headers({})) << name;
  }
}

TEST(RequestPreparerTest, RepeatsTheLineOfAnArrayAndOmitsNull) {
  HttpHeaders given;
  given.set("x-arr", std::vector<std::string>{"a", "b"});
  given.set("x-nil", {});
  const Headers sent = headers({.headers = given});
  EXPECT_EQ(sent[1], std::pair(std::string("x-arr"), std::string("a")));
  EXPECT_EQ(sent[2], std::pair(std::string("x-arr"), std::string("b")));
  EXPECT_EQ(sent.size(), headers({}).size() + 2);
}

TEST(RequestPreparerTest, NeverSendsTwoHosts) {
  // A request with two host lines is refused by servers, or taken for two different ones (RFC 9112
  // §3.2): an array in place of a host is none.
  HttpHeaders given;
  given.set("host", std::vector<std::string>{"a", "b"});
  EXPECT_EQ(headers({.headers = given}), headers({}));
}

TEST(RequestPreparerTest, MakesBasicAuthorizationOfUserinfo) {
  const Headers sent = headers({.url = "http://us%65r:p%20w@h/"});
  EXPECT_EQ(sent[1], std::pair(std::string("authorization"), std::string("Basic dXNlcjpwIHc=")));
  EXPECT_EQ(sent[0].second, "h");
  const Headers given =
      headers({.url = "http://user:pass@h/", .headers = {{"authorization", "Bearer x"}}});
  EXPECT_EQ(given[1].second, "Bearer x");
  EXPECT_EQ(given.size(), 5U);
}

TEST(RequestPreparerTest, KeepsTheUrlWithoutItsFragmentOnTheWire) {
  const auto prepared = prepare({.method = HttpMethod::kPut});
  EXPECT_EQ(prepared->target, "/p?q=1");
  EXPECT_EQ(prepared->method, HttpMethod::kPut);
}

TEST(RequestPreparerTest, RefusesSecretsThatNobodyRegistered) {
  const auto in_header = prepare({.headers = {{"x-key", secret("k1")}}});
  ASSERT_FALSE(in_header.has_value());
  EXPECT_EQ(in_header.error().kind, ErrorKind::kSecretNotFound);
  EXPECT_EQ(in_header.error().message, "no secret is registered as \"k1\"");
  const auto in_host = prepare({.headers = {{"host", secret("k2")}}});
  ASSERT_FALSE(in_host.has_value());
  EXPECT_EQ(in_host.error().message, "no secret is registered as \"k2\"");
  const auto in_params = prepare({.params = {{"key", secret("k3").to_json()}}});
  ASSERT_FALSE(in_params.has_value());
  EXPECT_EQ(in_params.error().message, "no secret is registered as \"k3\"");
}

TEST(RequestPreparerTest, RefusesPreprocessorsThatNobodyRegistered) {
  const auto prepared = prepare({.preprocessors = {"sign", "other"}});
  ASSERT_FALSE(prepared.has_value());
  EXPECT_EQ(prepared.error().kind, ErrorKind::kPreprocessorNotFound);
  EXPECT_EQ(prepared.error().message, "no preprocessor is registered as \"sign\"");
}

}  // namespace
}  // namespace patient_http::engine
