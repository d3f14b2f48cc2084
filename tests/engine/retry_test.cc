// What is sent again after which failure, and under which key: the policy with real servers.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <thread>

#include "patient_http/inline_executor.h"
#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::make_task;
using test::ReceivedRequest;
using test::RecordedOutcome;
using test::RecordingTaskHandler;
using test::ServerConnection;
using test::TestHttpServer;

using Keys = std::vector<std::string>;

class RetryTest : public testing::Test {
 protected:
  RetryTest() {
    server_.on("/reset", [](const ReceivedRequest&, ServerConnection& peer) { peer.reset(); });
    server_.hang("/hang");
  }

  // Answers the first `times` requests for `path` so, and the others with 200.
  void fail_first(const std::string& path, int times, std::string response) {
    server_.on(path, [this, times, response](const ReceivedRequest&, ServerConnection& peer) {
      peer.send(++calls_ <= times ? response : TestHttpServer::response(200, "at last"));
    });
  }

  RecordedOutcome outcome_of(RequestOptions request, ProcessorOptions options = {}) {
    options.retry_delay = Seconds{0.001};
    RecordingTaskHandler handler;
    Processor processor(options);
    processor.start();
    EXPECT_TRUE(
        processor.enqueue(make_task(std::move(request), handler, {.id = "the-id"})).has_value());
    auto outcomes = handler.wait_for(1);
    processor.stop(0ms);
    return std::move(outcomes.at(0));
  }

  [[nodiscard]] Keys keys() const {
    Keys all;
    for (const ReceivedRequest& request : server_.requests()) {
      for (const std::string& key : request.header("idempotency-key")) all.push_back(key);
    }
    return all;
  }

  std::atomic<int> calls_{0};
  TestHttpServer server_;
};

TEST_F(RetryTest, SendsAPostAgainOfWhichNoByteLeft) {
  std::string closed;
  {
    const TestHttpServer gone;
    closed = gone.url("/");
  }
  const auto outcome =
      outcome_of({.method = HttpMethod::kPost, .url = closed, .body = "x"}, {.retries = 2});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->kind(), ErrorKind::kRefused);
  EXPECT_TRUE(outcome.error->message().ends_with("(after 3 attempts)")) << outcome.error->message();
}

TEST_F(RetryTest, SaysWhyAPostIsNotSentAgain) {
  const auto outcome =
      outcome_of({.method = HttpMethod::kPost, .url = server_.url("/reset"), .body = "x"});
  EXPECT_EQ(server_.requests().size(), 1U);
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_TRUE(outcome.error->message().ends_with(
      "; not sent again: the request may have been carried out, and POST is not idempotent; an "
      "idempotency_key or retry.idempotent would allow it"))
      << outcome.error->message();
}

TEST_F(RetryTest, SendsAPostAgainUnderOneKey) {
  const auto outcome = outcome_of({.method = HttpMethod::kPost,
                                   .url = server_.url("/reset"),
                                   .body = "x",
                                   .idempotency_key = true},
                                  {.retries = 2});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(keys(), (Keys{"the-id", "the-id", "the-id"}));
}

TEST_F(RetryTest, TakesTheUsersKeyAndTheUsersWord) {
  static_cast<void>(outcome_of({.method = HttpMethod::kPost,
                                .url = server_.url("/reset"),
                                .headers = {{"idempotency-key", "mine"}},
                                .body = "x",
                                .idempotency_key = true},
                               {.retries = 1}));
  EXPECT_EQ(keys(), (Keys{"mine", "mine"}));
  static_cast<void>(outcome_of({.method = HttpMethod::kPost,
                                .url = server_.url("/reset"),
                                .body = "x",
                                .retry = {.idempotent = true}},
                               {.retries = 1}));
  EXPECT_EQ(server_.requests().size(), 4U);
}

TEST_F(RetryTest, AddsKeysToPostsWhereTheProcessorIsToldTo) {
  server_.answer("/ok", 200, "ok");
  const ProcessorOptions options{.idempotency_keys = true};
  const auto send = [&](HttpMethod method, std::optional<bool> key) {
    static_cast<void>(
        outcome_of({.method = method, .url = server_.url("/ok"), .idempotency_key = key}, options));
  };
  send(HttpMethod::kPut, std::nullopt);
  send(HttpMethod::kPost, false);
  EXPECT_EQ(keys(), Keys{});
  send(HttpMethod::kPost, std::nullopt);
  send(HttpMethod::kPatch, std::nullopt);
  send(HttpMethod::kPut, true);
  EXPECT_EQ(keys().size(), 3U);
}

TEST_F(RetryTest, TakesTheKeyToNoOtherOrigin) {
  TestHttpServer other;
  other.on("/reset", [](const ReceivedRequest&, ServerConnection& peer) { peer.reset(); });
  server_.answer("/here", 307, "", "location: /there\r\n");
  server_.answer("/there", 307, "", "location: " + other.url("/reset") + "\r\n");
  const auto outcome = outcome_of({.method = HttpMethod::kPost,
                                   .url = server_.url("/here"),
                                   .body = "x",
                                   .idempotency_key = true});
  EXPECT_EQ(keys(), (Keys{"the-id", "the-id"}));
  ASSERT_EQ(other.requests().size(), 1U);  // without a key it is not repeated
  EXPECT_EQ(other.requests()[0].header("idempotency-key"), std::vector<std::string>());
  EXPECT_EQ(outcome.error->kind(), ErrorKind::kReset);
}

TEST_F(RetryTest, DoesNotRepeatAPostWhoseGetFailed) {
  // The GET after a 303 may be repeated, but the next attempt would begin with the POST.
  server_.answer("/post", 303, "", "location: /reset\r\n");
  const auto outcome =
      outcome_of({.method = HttpMethod::kPost, .url = server_.url("/post"), .body = "x"});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->kind(), ErrorKind::kReset);
  const auto requests = server_.requests();
  EXPECT_EQ(std::count_if(requests.begin(), requests.end(),
                          [](const ReceivedRequest& each) { return each.method == "POST"; }),
            1);
}

TEST_F(RetryTest, SendsAgainAfterStatusesThatAreNamed) {
  fail_first("/busy", 2, TestHttpServer::response(503, "busy"));
  const auto outcome = outcome_of({.method = HttpMethod::kPost,
                                   .url = server_.url("/busy"),
                                   .body = "x",
                                   .retry = {.on = RetryOn{.statuses = {503}}}});
  ASSERT_TRUE(outcome.response.has_value());
  EXPECT_EQ(outcome.response->body(), "at last");
  EXPECT_EQ(server_.requests().size(), 3U);
  EXPECT_EQ(server_.connection_count(), 1);  // what nobody reads is read to keep it
}

TEST_F(RetryTest, GivesTheLastResponseWhenAttemptsEnd) {
  fail_first("/busy", 9, TestHttpServer::response(503, "busy"));
  const auto outcome = outcome_of(
      {.url = server_.url("/busy"), .retry = {.retries = 2, .on = RetryOn{.statuses = {503}}}});
  ASSERT_TRUE(outcome.response.has_value());
  EXPECT_EQ(outcome.response->status(), 503);
  EXPECT_EQ(outcome.response->body(), "busy");
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(RetryTest, GivesTheResponseOfAGatewayToAPost) {
  // 504: whoever is behind the gateway may have carried it out.
  fail_first("/gateway", 9, TestHttpServer::response(504, "slow"));
  const auto outcome = outcome_of({.method = HttpMethod::kPost, .url = server_.url("/gateway")},
                                  {.retry_on = {.statuses = {504}}});
  EXPECT_EQ(outcome.response->status(), 504);
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(RetryTest, WaitsAsLongAsTheServerAsks) {
  fail_first("/busy", 1, TestHttpServer::response(429, "", "retry-after: 1\r\n"));
  const auto outcome =
      outcome_of({.url = server_.url("/busy"), .retry = {.on = RetryOn{.statuses = {429}}}});
  ASSERT_TRUE(outcome.response.has_value());
  EXPECT_EQ(outcome.response->status(), 200);
  EXPECT_GE(outcome.response->duration(), Seconds{1});
}

TEST_F(RetryTest, GivesTheResponseOfAServerThatAsksForTooLong) {
  fail_first("/busy", 1, TestHttpServer::response(429, "", "retry-after: 61\r\n"));
  const auto outcome =
      outcome_of({.url = server_.url("/busy"),
                  .retry = {.on = RetryOn{.statuses = {429}}, .max_retry_after = 60s}});
  EXPECT_EQ(outcome.response->status(), 429);
}

TEST_F(RetryTest, SendsAgainThoughTheBodyOfTheBusyServerFails) {
  server_.on("/cut", [this](const ReceivedRequest&, ServerConnection& peer) {
    if (++calls_ > 1) {
      peer.send(TestHttpServer::response(200, "at last"));
    } else {
      peer.send("HTTP/1.1 503 x\r\ncontent-length: 10\r\n\r\nhalf");
      peer.close();
    }
  });
  const auto outcome = outcome_of({.method = HttpMethod::kPost,
                                   .url = server_.url("/cut"),
                                   .retry = {.on = RetryOn{.statuses = {503}}}});
  ASSERT_TRUE(outcome.response.has_value());
  EXPECT_EQ(outcome.response->status(), 200);
}

TEST_F(RetryTest, SendsAgainAfterTimeoutsWhereTheyAreNamed) {
  const RetryOptions retry{.retries = 1, .on = RetryOn{.timeout = true}};
  const auto get =
      outcome_of({.url = server_.url("/hang"), .timeout = Seconds{0.3}, .retry = retry});
  EXPECT_EQ(get.error->kind(), ErrorKind::kTotalTimeout);
  EXPECT_EQ(server_.requests().size(), 2U);
  const auto post = outcome_of({.method = HttpMethod::kPost,
                                .url = server_.url("/hang"),
                                .timeout = Seconds{0.3},
                                .retry = retry});
  EXPECT_EQ(post.error->kind(), ErrorKind::kTotalTimeout);
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(RetryTest, EndsAtTheTimeForAllAttempts) {
  const auto outcome =
      outcome_of({.url = server_.url("/hang"),
                  .timeout = 60s,
                  .retry = {.on = RetryOn{.timeout = true}, .max_time = Seconds{0.05}}});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->kind(), ErrorKind::kTotalTimeout);
  EXPECT_NE(outcome.error->message().find(
                "no complete response within the time for all attempts, 0.05 s; not sent again"),
            std::string::npos)
      << outcome.error->message();
}

TEST_F(RetryTest, SendsNothingWhenTheTimeForAllAttemptsIsOver) {
  // A job that was postponed, and taken up only after a downtime: over a connection that stood, it
  // was sent, and its response dropped.
  server_.answer("/", 200, "ok");
  RecordingTaskHandler handler;
  Processor processor({});
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server_.url("/"), handler)).has_value());
  static_cast<void>(handler.wait_for(1));
  ASSERT_TRUE(
      processor
          .enqueue(make_task(
              {.method = HttpMethod::kPost, .url = server_.url("/"), .retry = {.max_time = 3600s}},
              handler,
              {.earlier_attempts = EarlierAttempts{1, std::chrono::system_clock::now() - 2h}}))
          .has_value());
  const auto outcome = handler.wait_for(2).at(1);
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->kind(), ErrorKind::kTotalTimeout);
  EXPECT_EQ(outcome.error->message(), "POST " + server_.url("/") +
                                          " failed in phase queue: the time for all attempts, "
                                          "3600 s, is over");
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(RetryTest, GivesTheResponseThatLeftNoTimeForAnotherAttempt) {
  server_.on("/slow", [this](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 503 x\r\nretry-after: 2\r\ncontent-length: 8\r\n\r\nslo");
    static_cast<void>(server_.wait_for_release(1200ms));
    peer.send("w end");
  });
  const auto outcome = outcome_of(
      {.url = server_.url("/slow"), .retry = {.on = RetryOn{.statuses = {503}}, .max_time = 3s}});
  ASSERT_TRUE(outcome.response.has_value()) << outcome.error->message();
  EXPECT_EQ(outcome.response->status(), 503);
  EXPECT_EQ(outcome.response->body(), "slow end");
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(RetryTest, EndsWithTheTimeForAllAttemptsInTheBodyOfABusyServer) {
  server_.on("/stuck", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 503 x\r\ncontent-length: 8\r\n\r\nstu");
    peer.wait_for_peer_to_close();
  });
  const auto outcome =
      outcome_of({.url = server_.url("/stuck"),
                  .retry = {.on = RetryOn{.statuses = {503}}, .max_time = Seconds{0.3}}});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->kind(), ErrorKind::kTotalTimeout);
  EXPECT_EQ(server_.requests().size(), 1U);
}

// Keeps postponed tasks, as a store would.
class PostponingHandler final : public TaskHandler {
 public:
  void on_complete(std::unique_ptr<RequestTask>, Response) override {}
  void on_error(std::unique_ptr<RequestTask>, Error error) override {
    failed_.set_value(std::move(error));
  }
  void retry(std::unique_ptr<RequestTask>) override {}
  void settle(std::vector<SettledTask> batch) override {
    for (SettledTask& each : batch) {
      if (const auto* postponed = std::get_if<Postponed>(&each.outcome)) {
        postponed_.set_value(*postponed);
        continue;
      }
      std::vector<SettledTask> one;
      one.push_back(std::move(each));
      TaskHandler::settle(std::move(one));
    }
  }
  [[nodiscard]] bool can_postpone(const RequestTask&) const override { return true; }

  std::promise<Postponed> postponed_;
  std::promise<Error> failed_;
};

TEST_F(RetryTest, HandsLongWaitsToAHandlerThatKeepsThem) {
  using std::chrono::system_clock;
  server_.answer("/busy", 429, "", "retry-after: 100\r\n");
  PostponingHandler handler;
  Processor processor({.raise_error_responses = true});
  processor.start();
  const auto before = system_clock::now();
  const auto enqueue = [&](std::optional<EarlierAttempts> earlier) {
    ASSERT_TRUE(processor
                    .enqueue(make_task({.url = server_.url("/busy"),
                                        .retry = {.retries = 1, .on = RetryOn{.statuses = {429}}}},
                                       handler, {.earlier_attempts = earlier}))
                    .has_value());
  };
  enqueue(std::nullopt);
  const Postponed postponed = handler.postponed_.get_future().get();
  EXPECT_EQ(postponed.attempts.count, 1);
  EXPECT_GE(postponed.next_at, before + 100s);
  EXPECT_GE(postponed.attempts.began_at, before - 1s);
  EXPECT_TRUE(processor.wait_until_idle(10s));
  EXPECT_EQ(processor.status().postponed, 1U);

  enqueue(EarlierAttempts{1, before - 1000s});
  const Error error = handler.failed_.get_future().get();
  EXPECT_EQ(error.kind(), ErrorKind::kHttpStatus);
  EXPECT_GE(*error.duration(), Seconds{1000});
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(RetryTest, HandsWaitsToAHandlerThatKeepsThemWhenItStops) {
  // Each stop gave the request new attempts, and sent it before the server's Retry-After.
  using std::chrono::system_clock;
  server_.answer("/busy", 429, "", "retry-after: 30\r\n");
  PostponingHandler handler;
  Processor processor({});
  processor.start();
  const auto before = system_clock::now();
  ASSERT_TRUE(
      processor
          .enqueue(make_task({.url = server_.url("/busy"),
                              .retry = {.retries = 2, .on = RetryOn{.statuses = {429}}}},
                             handler, {.earlier_attempts = EarlierAttempts{1, before - 1h}}))
          .has_value());
  while (processor.status().parked == 0) std::this_thread::yield();
  processor.stop(0ms);
  const Postponed postponed = handler.postponed_.get_future().get();
  EXPECT_EQ(postponed.attempts.count, 2);
  EXPECT_GE(postponed.next_at, before + 30s);
  EXPECT_LE(postponed.attempts.began_at, before - 1h + 1s);
  EXPECT_GE(postponed.attempts.began_at, before - 1h - 1s);
}

TEST_F(RetryTest, ReportsWhatMayHaveBeenSentWhenItIsInterrupted) {
  RecordingTaskHandler handler;
  Processor processor({.retry_delay = Seconds{1e6}, .longest_retry_delay = Seconds{1e6}});
  processor.start();
  const auto add = [&](const std::string& id, const std::string& path, OnInterrupted what) {
    ASSERT_TRUE(
        processor
            .enqueue(make_task(
                {.method = HttpMethod::kPut, .url = server_.url(path), .on_interrupted = what},
                handler, {.id = id}))
            .has_value());
  };
  add("sent", "/hang", OnInterrupted::kError);
  add("resend", "/hang", OnInterrupted::kResend);
  add("parked", "/reset", OnInterrupted::kError);
  ASSERT_TRUE(server_.wait_for_requests("/hang", 2));
  while (processor.status().parked == 0) std::this_thread::yield();
  processor.stop(0ms);

  std::map<std::string, RecordedOutcome> outcomes;
  for (auto& outcome : handler.wait_for(3)) outcomes.emplace(outcome.id, outcome);
  EXPECT_TRUE(outcomes.at("resend").is_retry());
  EXPECT_TRUE(outcomes.at("parked").is_retry());
  ASSERT_TRUE(outcomes.at("sent").error.has_value());
  EXPECT_EQ(outcomes.at("sent").error->kind(), ErrorKind::kInterrupted);
  EXPECT_EQ(outcomes.at("sent").error->message(),
            "PUT " + server_.url("/hang") +
                " failed in phase wait at 127.0.0.1:" + std::to_string(server_.port()) +
                ": the processor stopped, the request may have been carried out, and "
                "on_interrupted says that it is not sent again");
}

}  // namespace
}  // namespace patient_http
