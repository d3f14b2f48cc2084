#include "engine/request_preparer.h"

#include <gtest/gtest.h>

#include <stdexcept>

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
  return preparer.prepare(request, {"id-1"}, *ingredients);
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
                                  {"accept-encoding", "gzip, deflate, br, zstd"}}));
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

TEST(RequestPreparerTest, FillsInSecrets) {
  SecretManager secrets;
  secrets.register_secret("static", "a b&c");
  secrets.register_secret("function", [] { return "\xc3\xa9="; });
  const RequestPreparer preparer("", secrets);
  const auto prepared = prepare_with(
      preparer, {.headers = {{"host", secret("static")}, {"x-key", secret("function")}},
                 .params = {{"k 1", secret("static").to_json()},
                            {"p", "plain"},
                            {"k2", secret("function").to_json()}}});
  ASSERT_TRUE(prepared.has_value());
  EXPECT_EQ(prepared->headers[0], std::pair(std::string("host"), std::string("a b&c")));
  EXPECT_EQ(prepared->headers[1], std::pair(std::string("x-key"), std::string("\xc3\xa9=")));
  EXPECT_EQ(prepared->target, "/p?q=1&p=plain&k+1=a+b%26c&k2=%C3%A9%3D");
  EXPECT_TRUE(prepared->holds_secrets);
  EXPECT_EQ(
      prepare_with(preparer, {.url = "http://h", .params = {{"k", secret("static").to_json()}}})
          ->target,
      "/?k=a+b%26c");
}

TEST(RequestPreparerTest, SendsNothingForASecretWithoutAValue) {
  SecretManager secrets;
  secrets.register_secret("nil", [] { return std::nullopt; });
  const RequestPreparer preparer("", secrets);
  const auto prepared =
      prepare_with(preparer, {.url = "http://h/",
                              .headers = {{"x-nil", secret("nil")}, {"host", secret("nil")}},
                              .params = {{"k", secret("nil").to_json()}}});
  EXPECT_EQ(prepared->target, "/?k");
  EXPECT_EQ(prepared->headers, (Headers{{"host", "h"},
                                        {"x-request-id", "id-1"},
                                        {"accept-encoding", "gzip, deflate, br, zstd"}}));
}

TEST(RequestPreparerTest, CallsTheFunctionOfASecretOncePerRequest) {
  int calls = 0;
  SecretManager secrets;
  secrets.register_secret("s", [&] { return std::to_string(++calls); });
  const RequestPreparer preparer("", secrets);
  const RequestOptions request{.url = "http://h/",
                               .headers = {{"a", secret("s")}, {"b", secret("s")}},
                               .params = {{"k", secret("s").to_json()}}};
  EXPECT_EQ(prepare_with(preparer, request)->target, "/?k=1");
  EXPECT_EQ(prepare_with(preparer, request)->target, "/?k=2");
}

TEST(RequestPreparerTest, FailsWhenTheFunctionOfASecretThrows) {
  SecretManager secrets;
  secrets.register_secret("first", "value of the first");
  secrets.register_secret("s", []() -> std::string {
    throw std::runtime_error("no luck with value%20of%20the%20first\xff");
  });
  secrets.register_secret("odd", []() -> std::string { throw 1; });
  const RequestPreparer preparer("", secrets);
  const auto prepared =
      prepare_with(preparer, {.headers = {{"a", secret("first")}, {"b", secret("s")}}});
  ASSERT_FALSE(prepared.has_value());
  EXPECT_EQ(prepared.error().kind, ErrorKind::kSecretNotFound);
  EXPECT_EQ(
      prepared.error().message,
      "the value of the secret \"s\" could not be had: no luck with $secret:first\xef\xbf\xbd");
  EXPECT_EQ(
      prepare_with(preparer, {.headers = {{"b", secret("odd")}}}).error().message,
      "the value of the secret \"odd\" could not be had: something that is no std::exception");
}

TEST(RequestPreparerTest, RefusesAHeaderThatASecretMakesInvalid) {
  for (const std::string value : {"hidden\r\nx: y", "hidden\n", "hidden\x01"}) {
    SecretManager secrets;
    secrets.register_secret("s", value);
    const auto prepared =
        prepare_with(RequestPreparer("", secrets), {.headers = {{"x-key", secret("s")}}});
    ASSERT_FALSE(prepared.has_value());
    EXPECT_EQ(prepared.error().kind, ErrorKind::kInvalidRequest);
    EXPECT_EQ(prepared.error().message,
              "the value of the secret \"s\" cannot be sent in the header x-key: it holds a line "
              "break or another control character");
  }
}

TEST(RequestPreparerTest, LooksUpOnlyWhatIsSent) {
  SecretManager secrets;
  secrets.register_secret("static", "v");
  const RequestPreparer preparer("", secrets);
  const auto ingredients = preparer.look_up(*Request::create(
      {.url = "http://h/",
       .headers = {{"content-length", secret("unknown")}, {"a", secret("static")}}}));
  ASSERT_TRUE(ingredients.has_value());
  EXPECT_FALSE(ingredients->has_user_code());
  secrets.register_secret("static", [] { return "v"; });
  EXPECT_TRUE(
      preparer
          .look_up(*Request::create({.url = "http://h/", .headers = {{"a", secret("static")}}}))
          ->has_user_code());
}

class PreprocessingTest : public testing::Test {
 protected:
  Result<PreparedRequest, UnpreparedRequest> prepare_by(std::vector<std::string> names,
                                                        RequestOptions options = {}) {
    options.preprocessors = std::move(names);
    return prepare_with(RequestPreparer("Agent", secrets_, preprocessors_), std::move(options));
  }

  SecretManager secrets_;
  Preprocessors preprocessors_;
};

TEST_F(PreprocessingTest, RunsThemInOrderOnWhatIsSent) {
  secrets_.register_secret("s", "a b");
  preprocessors_.register_preprocessor("first", [](OutgoingRequest& request) {
    EXPECT_EQ(request.method(), HttpMethod::kPost);
    EXPECT_EQ(request.url(), "http://h:81/p?q=1&k=a+b");
    EXPECT_EQ(request.body(), "b");
    EXPECT_EQ(request.headers(), (Headers{{"host", "h:81"},
                                          {"x-key", "a b"},
                                          {"x-request-id", "id-1"},
                                          {"user-agent", "Agent"},
                                          {"accept-encoding", "gzip, deflate, br, zstd"}}));
    request.set_header("x-first", "1");
    request.add_param("p1", "c d");
  });
  preprocessors_.register_preprocessor("second", [](OutgoingRequest& request) {
    EXPECT_EQ(request.header("x-first"), "1");
    EXPECT_EQ(request.url(), "http://h:81/p?q=1&k=a+b&p1=c+d");
    request.set_header("user-agent", "Other");
    request.remove_header("accept-encoding");
    request.add_param("p2", "&");
  });
  const auto prepared = prepare_by({"first", "second"}, {.method = HttpMethod::kPost,
                                                         .headers = {{"x-key", secret("s")}},
                                                         .params = {{"k", secret("s").to_json()}},
                                                         .body = "b"});
  ASSERT_TRUE(prepared.has_value());
  EXPECT_EQ(prepared->target, "/p?q=1&k=a+b&p1=c+d&p2=%26");
  EXPECT_EQ(prepared->headers, (Headers{{"host", "h:81"},
                                        {"x-key", "a b"},
                                        {"x-request-id", "id-1"},
                                        {"user-agent", "Other"},
                                        {"x-first", "1"}}));
  EXPECT_TRUE(prepared->holds_secrets);
}

TEST_F(PreprocessingTest, AddsParamsToAUrlWithoutPathOrQuery) {
  preprocessors_.register_preprocessor(
      "add", [](OutgoingRequest& request) { request.add_param("a", "1"); });
  EXPECT_EQ(prepare_by({"add"}, {.url = "http://h"})->target, "/?a=1");
  EXPECT_EQ(prepare_by({"add"}, {.url = "http://h/p?#frag"})->target, "/p?a=1");
}

TEST_F(PreprocessingTest, KeepsFramingAndHostInOrder) {
  preprocessors_.register_preprocessor("break", [](OutgoingRequest& request) {
    request.set_header("content-length", "5");
    request.set_header("Transfer-Encoding", "chunked");
    request.remove_header("host");
  });
  preprocessors_.register_preprocessor(
      "host", [](OutgoingRequest& request) { request.set_header("Host", "other"); });
  EXPECT_EQ(prepare_by({"break"})->headers, headers({}));
  EXPECT_EQ(prepare_by({"break", "host"})->headers.back().second, "other");
  EXPECT_EQ(prepare_by({"break", "host"})->headers.size(), headers({}).size());
}

TEST_F(PreprocessingTest, FailsWithItsNameAndReasonButNoSecret) {
  secrets_.register_secret("pin", "4711");
  preprocessors_.register_preprocessor("boom", [](OutgoingRequest& request) {
    throw std::runtime_error("pp boom at " + request.url());
  });
  const auto prepared =
      prepare_by({"boom"}, {.url = "http://h/", .params = {{"p", secret("pin").to_json()}}});
  ASSERT_FALSE(prepared.has_value());
  EXPECT_EQ(prepared.error().kind, ErrorKind::kPreprocessorFailed);
  EXPECT_EQ(prepared.error().message,
            "preprocessor \"boom\" failed: pp boom at http://h/?p=$secret:pin");
}

TEST_F(PreprocessingTest, FailsWhenAHeaderIsMadeInvalid) {
  preprocessors_.register_preprocessor(
      "inject", [](OutgoingRequest& request) { request.set_header("x", "a\r\ny: hidden"); });
  const auto prepared = prepare_by({"inject"});
  ASSERT_FALSE(prepared.has_value());
  EXPECT_EQ(prepared.error().kind, ErrorKind::kPreprocessorFailed);
  EXPECT_EQ(
      prepared.error().message,
      "preprocessor \"inject\" failed: the value of the header x holds a line break or another "
      "control character");
}

TEST_F(PreprocessingTest, RunsNoneWhenOneIsUnknown) {
  bool ran = false;
  preprocessors_.register_preprocessor("known", [&](OutgoingRequest&) { ran = true; });
  EXPECT_EQ(prepare_by({"known", "other"}).error().kind, ErrorKind::kPreprocessorNotFound);
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace patient_http::engine
