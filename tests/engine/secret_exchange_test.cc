// Secrets and preprocessors over the wire, and what is stored of them: nothing.

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <stdexcept>

#include "patient_http/inline_executor.h"
#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::make_task;
using test::ReceivedRequest;
using test::RecordedOutcome;
using test::RecordingTaskHandler;
using test::ServerConnection;
using test::TestHttpServer;

constexpr const char* kToken = "Bearer t0k=en &x";
constexpr const char* kEncodedToken = "Bearer+t0k%3Den+%26x";

SecretReference secret(const char* name) {
  return *SecretReference::create(name);
}

// The text has no part of the token's value that tells it, however it is written.
void expect_no_secret(const std::string& text) {
  for (const char* part : {"t0k", "T0K", "%74%30%6B"}) {
    EXPECT_THAT(text, testing::Not(testing::HasSubstr(part)));
  }
}

class SecretExchangeTest : public testing::Test {
 protected:
  SecretExchangeTest() {
    secrets_.register_secret("token", kToken);
    secrets_.register_secret("lazy", [this] { return "lazy " + std::to_string(++calls_); });
    secrets_.register_secret("pin", "42");
    preprocessors_.register_preprocessor("sign", [](OutgoingRequest& request) {
      request.set_header("x-signature", "signed " + request.url());
      request.add_param("sig", "s&1");
    });
  }

  RecordedOutcome run(RequestOptions request, std::optional<bool> raises = std::nullopt) {
    RecordingTaskHandler handler;
    executor_.execute(
        make_task(std::move(request), handler, {.id = "id-1", .raise_error_responses = raises}));
    RecordedOutcome outcome = handler.wait_for(1).at(0);
    expect_no_secret(json_of(outcome));
    std::lock_guard lock(mutex_);
    expect_no_secret(log_);
    return outcome;
  }
  static std::string json_of(const RecordedOutcome& outcome) {
    if (outcome.response) return outcome.response->to_json().dump();
    return outcome.error->to_json().dump() + outcome.error->message();
  }
  void redirect(const std::string& path, int status, const std::string& location) {
    server_.answer(path, status, "moved", "location: " + location + "\r\n");
  }
  ReceivedRequest last() const { return server_.requests().back(); }

  std::mutex mutex_;
  std::string log_;
  SecretManager secrets_;
  Preprocessors preprocessors_;
  std::atomic<int> calls_{0};
  TestHttpServer server_;
  TestHttpServer other_;
  InlineExecutor executor_{ProcessorOptions{.request_timeout = Seconds{20},
                                            .retries = 0,
                                            .secrets = secrets_,
                                            .preprocessors = preprocessors_,
                                            .log = Log(
                                                [this](LogLevel, std::string_view message) {
                                                  std::lock_guard lock(mutex_);
                                                  log_.append(message).append("\n");
                                                },
                                                LogLevel::kDebug)}};
};

TEST_F(SecretExchangeTest, SendsSecretsAndStoresNone) {
  const RecordedOutcome outcome =
      run({.url = server_.url("/p?a=1"),
           .headers = {{"authorization", secret("token")}, {"x-lazy", secret("lazy")}},
           .params = {{"t", secret("token").to_json()}, {"l", secret("lazy").to_json()}}});
  ASSERT_TRUE(outcome.response.has_value());
  EXPECT_EQ(last().target, std::string("/p?a=1&t=") + kEncodedToken + "&l=lazy+1");
  EXPECT_EQ(last().header("authorization"), std::vector<std::string>{kToken});
  EXPECT_EQ(last().header("x-lazy"), std::vector<std::string>{"lazy 1"});
  EXPECT_EQ(outcome.response->url(), server_.url("/p?a=1"));
}

TEST_F(SecretExchangeTest, FindsSecretsAndPreprocessorsThatAreRegisteredLater) {
  EXPECT_FALSE(run({.url = server_.url("/"), .headers = {{"a", secret("later")}}}).response);
  secrets_.register_secret("later", "here");
  preprocessors_.register_preprocessor(
      "later", [](OutgoingRequest& request) { request.set_header("b", "too"); });
  run({.url = server_.url("/"), .headers = {{"a", secret("later")}}, .preprocessors = {"later"}});
  EXPECT_EQ(last().header("a"), std::vector<std::string>{"here"});
  EXPECT_EQ(last().header("b"), std::vector<std::string>{"too"});
}

TEST_F(SecretExchangeTest, FindsSecretsOfTheProcess) {
  register_secret("secret_exchange_test.global", "of all");
  run({.url = server_.url("/"), .headers = {{"a", secret("secret_exchange_test.global")}}});
  EXPECT_EQ(last().header("a"), std::vector<std::string>{"of all"});
}

TEST_F(SecretExchangeTest, NamesAnUnknownSecret) {
  const RecordedOutcome outcome =
      run({.url = server_.url("/x?q=1"), .headers = {{"a", secret("no")}}});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->kind(), ErrorKind::kSecretNotFound);
  EXPECT_EQ(outcome.error->class_name(), "PatientHttp::SecretManager::SecretNotFoundError");
  EXPECT_EQ(outcome.error->message(), "GET " + server_.url("/x") +
                                          " failed in phase prepare: no secret is registered as "
                                          "\"no\"");
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(SecretExchangeTest, SendsNothingWhenASecretOrPreprocessorFails) {
  secrets_.register_secret("broken", []() -> std::string { throw std::runtime_error("no luck"); });
  secrets_.register_secret("split", "t0k\r\nx: y");
  preprocessors_.register_preprocessor("boom", [](OutgoingRequest& request) {
    throw std::runtime_error("boom " + std::string(*request.header("authorization")));
  });
  preprocessors_.register_preprocessor(
      "inject", [](OutgoingRequest& request) { request.set_header("x", "a\r\nt0k: b"); });
  const std::string url = server_.url("/");
  const auto kind_of = [&](RequestOptions options) {
    options.url = url;
    return run(std::move(options)).error->kind();
  };
  EXPECT_EQ(kind_of({.headers = {{"a", secret("broken")}}}), ErrorKind::kSecretNotFound);
  EXPECT_EQ(kind_of({.headers = {{"a", secret("split")}}}), ErrorKind::kInvalidRequest);
  EXPECT_EQ(kind_of({.preprocessors = {"inject"}}), ErrorKind::kPreprocessorFailed);
  EXPECT_EQ(kind_of({.preprocessors = {"unknown"}}), ErrorKind::kPreprocessorNotFound);
  const RecordedOutcome outcome =
      run({.url = url, .headers = {{"authorization", secret("token")}}, .preprocessors = {"boom"}});
  EXPECT_EQ(outcome.error->kind(), ErrorKind::kPreprocessorFailed);
  EXPECT_THAT(outcome.error->message(),
              testing::EndsWith("preprocessor \"boom\" failed: boom $secret:token"));
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(SecretExchangeTest, RunsPreprocessorsAndFunctionsAgainOnTheSameOrigin) {
  redirect("/from", 302, "/final");
  const RecordedOutcome outcome = run({.url = server_.url("/from"),
                                       .headers = {{"x-lazy", secret("lazy")}},
                                       .preprocessors = {"sign"}});
  ASSERT_TRUE(outcome.response.has_value());
  EXPECT_EQ(server_.requests().at(0).target, "/from?sig=s%261");
  EXPECT_EQ(server_.requests().at(0).header("x-lazy"), std::vector<std::string>{"lazy 1"});
  EXPECT_EQ(last().target, "/final?sig=s%261");
  EXPECT_EQ(last().header("x-lazy"), std::vector<std::string>{"lazy 2"});
  EXPECT_EQ(last().header("x-signature"),
            std::vector<std::string>{"signed " + server_.url("/final")});
  EXPECT_EQ(last().header("x-request-id"), std::vector<std::string>{"id-1/2"});
  EXPECT_EQ(outcome.response->url(), server_.url("/final"));
}

TEST_F(SecretExchangeTest, KeepsSecretParamsOnTheSameOrigin) {
  // B21: the gem drops them.
  redirect("/from", 302, "/final?z=1");
  redirect("/given", 302, "/final?t=other");
  const RequestOptions request{.url = server_.url("/from"),
                               .params = {{"t", secret("token").to_json()}}};
  run(request);
  EXPECT_EQ(last().target, std::string("/final?z=1&t=") + kEncodedToken);
  RequestOptions given = request;
  given.url = server_.url("/given");
  run(given);
  EXPECT_EQ(last().target, "/final?t=other");
}

TEST_F(SecretExchangeTest, TakesNoSecretsAndPreprocessorsToAnotherOrigin) {
  // B16: the gem takes secrets in other headers than authorization along.
  redirect("/from", 307, other_.url("/final"));
  const RecordedOutcome outcome = run({.url = server_.url("/from"),
                                       .headers = {{"x-any", secret("token")}, {"x-keep", "1"}},
                                       .params = {{"t", secret("token").to_json()}},
                                       .preprocessors = {"sign"}});
  ASSERT_TRUE(outcome.response.has_value());
  const ReceivedRequest received = other_.requests().at(0);
  EXPECT_EQ(received.target, "/final");
  EXPECT_TRUE(received.header("x-any").empty());
  EXPECT_TRUE(received.header("x-signature").empty());
  EXPECT_EQ(received.header("x-keep"), std::vector<std::string>{"1"});
}

TEST_F(SecretExchangeTest, HidesWhatALocationEchoes) {
  // B17: the gem stores it. The next request still goes where the server says.
  server_.on("/echo", [](const ReceivedRequest& request, ServerConnection& peer) {
    const std::string query = request.target.substr(request.target.find('?'));
    peer.send(TestHttpServer::response(302, "", "location: /second" + query + "\r\n"));
  });
  redirect("/second", 302, std::string("/third/") + kEncodedToken + "?pin=4%32&x=1");
  const RecordedOutcome outcome =
      run({.url = server_.url("/echo"),
           .params = {{"t", secret("token").to_json()}, {"p", secret("pin").to_json()}}});
  ASSERT_TRUE(outcome.response.has_value());
  EXPECT_EQ(server_.requests().at(1).target, std::string("/second?t=") + kEncodedToken + "&p=42");
  EXPECT_EQ(last().target, "/third/Bearer+t0k=en+&x?pin=4%32&x=1");
  EXPECT_EQ(outcome.response->url(), server_.url("/third/$secret:token?pin=$secret:pin&x=1"));
  EXPECT_EQ(outcome.response->redirects(),
            (std::vector<std::string>{server_.url("/echo"),
                                      server_.url("/second?t=$secret:token&p=$secret:pin")}));
}

TEST_F(SecretExchangeTest, HidesItAcrossOriginsToo) {
  redirect("/from", 302, other_.url(std::string("/final?back=") + kEncodedToken));
  const RecordedOutcome outcome =
      run({.url = server_.url("/from"), .headers = {{"x-key", secret("token")}}});
  EXPECT_EQ(other_.requests().at(0).target, std::string("/final?back=") + kEncodedToken);
  EXPECT_EQ(outcome.response->url(), other_.url("/final?back=$secret:token"));
}

TEST_F(SecretExchangeTest, HidesItInALocationThatIsKept) {
  redirect("/from", 302, std::string("/next?pin=42&t=") + kEncodedToken);
  const RequestOptions request{
      .url = server_.url("/from"),
      .params = {{"t", secret("token").to_json()}, {"p", secret("pin").to_json()}},
      .max_redirects = 0};
  const RecordedOutcome kept = run(request);
  ASSERT_TRUE(kept.response.has_value());
  EXPECT_EQ(kept.response->headers().get("location"), "/next?pin=$secret:pin&t=$secret:token");
  const RecordedOutcome raised = run(request, true);
  ASSERT_TRUE(raised.error.has_value());
  EXPECT_EQ(raised.error->if_http_error()->response().headers().get("location"),
            "/next?pin=$secret:pin&t=$secret:token");
}

TEST_F(SecretExchangeTest, HidesItInErrors) {
  const std::string echoed = "/loop/Bearer+t0k=en+&x";
  redirect("/start", 302, echoed + "?t=42");
  redirect(echoed, 302, echoed + "?t=42");
  const RequestOptions request{.url = server_.url("/start"),
                               .headers = {{"x-pin", secret("pin")}, {"x-token", secret("token")}}};
  const RecordedOutcome loop = run(request);
  ASSERT_TRUE(loop.error.has_value());
  EXPECT_EQ(loop.error->kind(), ErrorKind::kRecursiveRedirect);
  EXPECT_EQ(loop.error->url(), server_.url("/loop/$secret:token?t=$secret:pin"));
  EXPECT_EQ(loop.error->if_redirect_error()->redirects(),
            (std::vector<std::string>{server_.url("/start"),
                                      server_.url("/loop/$secret:token?t=$secret:pin")}));

  server_.answer_raw(echoed, "no HTTP");
  const RecordedOutcome broken = run(request);
  ASSERT_TRUE(broken.error.has_value());
  EXPECT_EQ(broken.error->kind(), ErrorKind::kProtocol);
  EXPECT_EQ(broken.error->url(), server_.url("/loop/$secret:token?t=$secret:pin"));
  EXPECT_THAT(broken.error->message(), testing::HasSubstr("/loop/$secret:token failed in phase"));

  redirect("/start", 302, std::string("ftp://h/") + kEncodedToken);
  const RecordedOutcome invalid = run(request);
  EXPECT_EQ(invalid.error->kind(), ErrorKind::kInvalidRedirect);
  EXPECT_THAT(invalid.error->message(), testing::HasSubstr("ftp://h/$secret:token"));
}

TEST_F(SecretExchangeTest, SendsALargeBodyBehindAHeadWithSecrets) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{16 * 1024}, std::size_t{300'000}}) {
    const std::string body(size, 'b');
    const RecordedOutcome outcome = run({.method = HttpMethod::kPost,
                                         .url = server_.url("/"),
                                         .headers = {{"authorization", secret("token")}},
                                         .body = body,
                                         .preprocessors = {"sign"}});
    ASSERT_TRUE(outcome.response.has_value());
    EXPECT_EQ(last().body, body);
    EXPECT_EQ(last().header("authorization"), std::vector<std::string>{kToken});
  }
}

}  // namespace
}  // namespace patient_http
