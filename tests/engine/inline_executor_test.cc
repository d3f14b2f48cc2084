#include "patient_http/inline_executor.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::make_task;
using test::ReceivedRequest;
using test::RecordingTaskHandler;
using test::ServerConnection;
using test::TestHttpServer;

// Calls functions of the test.
class CallingHandler final : public TaskHandler {
 public:
  void on_complete(std::unique_ptr<RequestTask> task, Response response) override {
    if (complete) complete(*task, response);
  }
  void on_error(std::unique_ptr<RequestTask> task, Error error) override {
    if (failed) failed(*task, error);
  }
  void retry(std::unique_ptr<RequestTask>) override { ADD_FAILURE() << "retry()"; }

  std::function<void(const RequestTask&, const Response&)> complete;
  std::function<void(const RequestTask&, const Error&)> failed;
};

Request request(const std::string& url) {
  return Request::create({.url = url}).value();
}

TEST(InlineExecutorTest, CallsTheHandlerOnTheCallingThread) {
  TestHttpServer server;
  InlineExecutor executor(ProcessorOptions{.retries = 0});
  std::vector<std::thread::id> called;
  CallingHandler handler;
  handler.complete = [&](const RequestTask& task, const Response& response) {
    EXPECT_EQ(task.id(), "ok");
    EXPECT_EQ(response.body(), "ok");
    called.push_back(std::this_thread::get_id());
  };
  handler.failed = [&](const RequestTask& task, const Error& error) {
    EXPECT_EQ(task.id(), "bad");
    EXPECT_EQ(error.kind(), ErrorKind::kRefused);
    called.push_back(std::this_thread::get_id());
  };

  executor.execute(get(server.url("/"), handler, "ok"));
  executor.execute(get("http://127.0.0.1:1/", handler, "bad"));

  EXPECT_EQ(called, std::vector(2, std::this_thread::get_id()));
}

TEST(InlineExecutorTest, SendsBodiesAndHeaders) {
  TestHttpServer server;
  InlineExecutor executor;
  const auto response = executor.send(Request::create({.method = HttpMethod::kPost,
                                                       .url = server.url("/"),
                                                       .headers = {{"x-custom", "1"}},
                                                       .body = "data"})
                                          .value());
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(server.requests()[0].body, "data");
  EXPECT_EQ(server.requests()[0].header("x-custom"), std::vector<std::string>{"1"});
}

TEST(InlineExecutorTest, FollowsRedirectsAndReportsTheOriginalId) {
  TestHttpServer server;
  server.answer("/from", 302, "", "location: /to\r\n");
  InlineExecutor executor;
  RecordingTaskHandler handler;
  executor.execute(get(server.url("/from"), handler, "mine"));
  const auto outcome = handler.wait_for(1).at(0);
  EXPECT_EQ(outcome.id, "mine");
  EXPECT_EQ(outcome.response->request_id(), "mine");
  EXPECT_EQ(outcome.response->url(), server.url("/to"));
}

TEST(InlineExecutorTest, ReportsEachErrorOnce) {
  TestHttpServer server;
  server.answer("/self", 302, "", "location: /self\r\n");
  server.answer("/chain", 302, "", "location: /more\r\n");
  server.answer("/more", 302, "", "location: /most\r\n");
  server.answer("/404", 404, "");
  InlineExecutor executor(ProcessorOptions{.max_redirects = 1, .retries = 0});
  RecordingTaskHandler handler;
  executor.execute(get(server.url("/self"), handler, "loop"));
  executor.execute(get(server.url("/chain"), handler, "many"));
  executor.execute(make_task({.url = server.url("/404")}, handler,
                             {.id = "http", .raise_error_responses = true}));
  executor.execute(get("http://127.0.0.1:1/", handler, "refused"));
  std::vector<std::string> words;
  for (const auto& outcome : handler.wait_for(4)) {
    words.push_back(outcome.id + " " + std::string(to_string(outcome.error->kind())));
  }
  EXPECT_EQ(words, (std::vector<std::string>{"loop recursive_redirect", "many too_many_redirects",
                                             "http http_status", "refused refused"}));
}

TEST(InlineExecutorTest, RaisesErrorResponsesByItsOptionsAndByTheTask) {
  TestHttpServer server;
  server.answer("/500", 500, "no");
  InlineExecutor raising(ProcessorOptions{.raise_error_responses = true});
  const auto raised = raising.send(request(server.url("/500")));
  ASSERT_FALSE(raised.has_value());
  EXPECT_EQ(raised.error().if_http_error()->response().body(), "no");
  RecordingTaskHandler handler;
  raising.execute(
      make_task({.url = server.url("/500")}, handler, {.raise_error_responses = false}));
  EXPECT_TRUE(handler.wait_for(1).at(0).response.has_value());
  InlineExecutor quiet;
  EXPECT_EQ(quiet.send(request(server.url("/500")))->status(), 500);
}

TEST(InlineExecutorTest, MayBeUsedAgainFromAHandler) {
  TestHttpServer server;
  InlineExecutor executor;
  std::string calls;
  CallingHandler inner;
  inner.complete = [&](const RequestTask&, const Response&) { calls += "inner "; };
  CallingHandler outer;
  outer.complete = [&](const RequestTask&, const Response&) {
    calls += "outer ";
    executor.execute(get(server.url("/inner"), inner));
    EXPECT_TRUE(executor.send(request(server.url("/sent"))).has_value());
    calls += "back ";
  };
  executor.execute(get(server.url("/outer"), outer));
  EXPECT_EQ(calls, "outer inner back ");
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(InlineExecutorTest, LetsExceptionsOfAHandlerThrough) {
  TestHttpServer server;
  InlineExecutor executor;
  CallingHandler handler;
  handler.complete = [](const RequestTask&, const Response&) { throw std::runtime_error("mine"); };
  EXPECT_THROW(executor.execute(get(server.url("/"), handler)), std::runtime_error);
  EXPECT_TRUE(executor.send(request(server.url("/"))).has_value());
}

TEST(InlineExecutorTest, SendsAnyNumberOneAfterTheOther) {
  TestHttpServer server;
  InlineExecutor executor(ProcessorOptions{.max_connections = 1});
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(executor.send(request(server.url("/" + std::to_string(i)))).has_value()) << i;
  }
  EXPECT_EQ(server.connection_count(), 1);
}

TEST(InlineExecutorTest, HoldsNoMemoryOfBodiesOnceTheyAreDelivered) {
  // Were the charge of a body kept, reading would wait for ever.
  TestHttpServer server;
  server.answer("/large", 200, std::string(500'000, 'x'));
  InlineExecutor executor(ProcessorOptions{.request_timeout = Seconds{20}, .body_memory = 100'000});
  for (int i = 0; i < 10; ++i) {
    const auto response = executor.send(request(server.url("/large")));
    ASSERT_TRUE(response.has_value()) << response.error().message();
  }
}

TEST(InlineExecutorTest, GivesEachRequestItsWholeTimeHoweverLongItWasIdle) {
  // The clock of the loop stands still between two uses.
  TestHttpServer server;
  server.on("/slow", [](const ReceivedRequest&, ServerConnection& peer) {
    // The server's pace is what is tested here.
    std::this_thread::sleep_for(200ms);
    peer.send(TestHttpServer::response(200, "slow"));
  });
  InlineExecutor executor(ProcessorOptions{.request_timeout = Seconds{0.5}, .retries = 0});
  ASSERT_TRUE(executor.send(request(server.url("/"))).has_value());
  // Being idle for longer than the timeout is what is tested here.
  std::this_thread::sleep_for(600ms);
  const auto response = executor.send(request(server.url("/slow")));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_LT(response->duration().count(), 0.5);
}

TEST(InlineExecutorTest, RetriesAsAProcessorDoes) {
  std::atomic<int> calls{0};
  TestHttpServer server;
  server.on("/flaky", [&](const ReceivedRequest&, ServerConnection& peer) {
    if (++calls == 1) {
      peer.reset();
    } else {
      peer.send(TestHttpServer::response(200, "second time"));
    }
  });
  InlineExecutor executor(ProcessorOptions{.max_connections = 1, .retry_delay = Seconds{0.01}});
  EXPECT_EQ(executor.send(request(server.url("/flaky")))->body(), "second time");
}

TEST(InlineExecutorTest, ThrowsAtOptionsThatAreNone) {
  EXPECT_THROW(InlineExecutor(ProcessorOptions{.max_connections = 0}), std::invalid_argument);
  EXPECT_THROW(InlineExecutor(ProcessorOptions{.ca_file = "/no/such/file"}), std::runtime_error);
}

}  // namespace
}  // namespace patient_http
