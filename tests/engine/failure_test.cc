// Timeouts by phase, failures of the connection, retries: what is reported, and when.

#include <gtest/gtest.h>

#include "patient_http/inline_executor.h"
#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_dns_server.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::make_task;
using test::ReceivedRequest;
using test::RecordingTaskHandler;
using test::ServerConnection;
using test::TestDnsServer;
using test::TestHttpServer;

Error failure_of(const std::string& url, ProcessorOptions options) {
  InlineExecutor executor(options);
  auto result = executor.send(Request::create({.url = url}).value());
  if (result) throw std::runtime_error("a response came");
  return std::move(result.error());
}

TEST(FailureTest, NamesThePhaseInWhichTimeRanOut) {
  TestHttpServer server;
  TestDnsServer dns;
  server.hang("/hang");
  server.on("/drip", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nfirst");
    peer.wait_for_peer_to_close();
  });
  ProcessorOptions options{.retries = 0};
  options.name_servers = dns.address();

  options.request_timeout = Seconds{0.2};
  EXPECT_EQ(failure_of(server.url("/hang"), options).message(),
            "GET " + server.url("/hang") +
                " failed in phase wait at 127.0.0.1:" + std::to_string(server.port()) +
                ": no complete response within the timeout of 0.2 s");
  EXPECT_EQ(failure_of(server.url("/drip"), options).message(),
            "GET " + server.url("/drip") +
                " failed in phase receive at 127.0.0.1:" + std::to_string(server.port()) +
                ": no complete response within the timeout of 0.2 s; 5 bytes of the body came");

  options.request_timeout = Seconds{60};
  options.first_byte_timeout = Seconds{0.2};
  EXPECT_EQ(failure_of(server.url("/hang"), options).kind(), ErrorKind::kFirstByteTimeout);
  options.idle_timeout = Seconds{0.2};
  EXPECT_EQ(failure_of(server.url("/drip"), options).kind(), ErrorKind::kIdleTimeout);
  options.resolve_timeout = Seconds{0.2};
  const Error resolve = failure_of("http://x.silent/", options);
  EXPECT_EQ(resolve.kind(), ErrorKind::kResolveTimeout);
  EXPECT_EQ(resolve.error_type(), "timeout");
  EXPECT_EQ(resolve.class_name(), "Async::TimeoutError");
  options.resolve_timeout = Seconds{10};
  options.connection_timeout = Seconds{0.2};
  EXPECT_EQ(failure_of("http://x.silent/", options).kind(), ErrorKind::kResolveTimeout);
}

TEST(FailureTest, BoundsTlsHandshakesByTheConnectionTimeout) {
  // A plain server that waits for an HTTP request while the client waits for a ServerHello.
  TestHttpServer server;
  ProcessorOptions options{.retries = 0};
  options.connection_timeout = Seconds{0.2};
  const Error error =
      failure_of("https://127.0.0.1:" + std::to_string(server.port()) + "/", options);
  EXPECT_EQ(error.kind(), ErrorKind::kConnectTimeout);
  EXPECT_TRUE(error.message().find("phase tls") != std::string::npos) << error.message();
}

TEST(FailureTest, LetsSlowButSteadyResponsesOutliveTheIdleTimeout) {
  TestHttpServer server;
  server.on("/steady", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n");
    for (int i = 0; i < 8; ++i) {
      // The server's pace is what is tested here.
      std::this_thread::sleep_for(100ms);
      peer.send("x");
    }
  });
  InlineExecutor executor(ProcessorOptions{.idle_timeout = Seconds{0.4}});
  const auto response = executor.send(Request::create({.url = server.url("/steady")}).value());
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body(), "xxxxxxxx");
}

TEST(FailureTest, ReportsATimeoutInTimeAndDisturbsNoNeighbour) {
  TestHttpServer server;
  server.hang("/slow");
  RecordingTaskHandler slow;
  RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{.max_connections = 256});
  processor.start();
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(processor.enqueue(get(server.url("/slow"), slow)).has_value());
  ASSERT_TRUE(server.wait_for_requests("/slow", 100));

  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(
      processor.enqueue(make_task({.url = server.url("/slow"), .timeout = Seconds{0.5}}, handler))
          .has_value());
  const auto timed_out = handler.wait_for(1);
  ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler)).has_value());
  const auto outcomes = handler.wait_for(2);

  ASSERT_EQ(outcomes.size(), 2U);
  ASSERT_TRUE(outcomes[0].error.has_value());
  EXPECT_EQ(outcomes[0].error->kind(), ErrorKind::kTotalTimeout);
  EXPECT_GE(outcomes[0].at - began, 500ms);
  EXPECT_LT(outcomes[0].at - began, 2s);
  EXPECT_TRUE(outcomes[1].response.has_value());
  EXPECT_LT(outcomes[1].at - outcomes[0].at, 1s);
  EXPECT_TRUE(slow.wait_for(0).empty());
  processor.stop(0ms);
  for (const auto& outcome : slow.wait_for(100)) EXPECT_TRUE(outcome.is_retry());
}

TEST(FailureTest, TellsFailuresOfTheNetworkApart) {
  TestHttpServer server;
  TestDnsServer dns;
  server.on("/reset", [](const ReceivedRequest&, ServerConnection& peer) { peer.reset(); });
  ProcessorOptions options{.retries = 0};
  options.name_servers = dns.address();

  const Error refused = failure_of("http://127.0.0.1:1/x?secret=1", options);
  EXPECT_EQ(refused.kind(), ErrorKind::kRefused);
  EXPECT_EQ(refused.class_name(), "Errno::ECONNREFUSED");
  EXPECT_EQ(refused.message(),
            "GET http://127.0.0.1:1/x failed in phase connect at 127.0.0.1:1: connect: Connection "
            "refused");
  const Error unknown = failure_of("http://nowhere.test/", options);
  EXPECT_EQ(unknown.kind(), ErrorKind::kResolve);
  EXPECT_EQ(unknown.class_name(), "SocketError");
  EXPECT_EQ(failure_of(server.url("/reset"), options).kind(), ErrorKind::kReset);
}

TEST(FailureTest, RetriesIdempotentRequestsAfterFailuresOfTheConnection) {
  std::atomic<int> calls{0};
  TestHttpServer server;
  server.on("/flaky", [&](const ReceivedRequest&, ServerConnection& peer) {
    if (++calls <= 2) {
      peer.reset();
    } else {
      peer.send(TestHttpServer::response(200, "third time"));
    }
  });
  const ProcessorOptions options{.retries = 2, .retry_delay = Seconds{0.01}};
  InlineExecutor executor(options);
  for (const HttpMethod method : {HttpMethod::kGet, HttpMethod::kPut, HttpMethod::kDelete}) {
    calls = 0;
    const auto response =
        executor.send(Request::create({.method = method, .url = server.url("/flaky")}).value());
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(calls, 3);
  }
}

TEST(FailureTest, GivesUpAfterRetriesAttemptsBeyondTheFirst) {
  TestHttpServer server;
  server.on("/reset", [](const ReceivedRequest&, ServerConnection& peer) { peer.reset(); });
  const Error error =
      failure_of(server.url("/reset"), {.retries = 3, .retry_delay = Seconds{0.01}});
  EXPECT_EQ(server.requests().size(), 4U);
  EXPECT_TRUE(error.message().ends_with("(after 4 attempts)")) << error.message();
}

TEST(FailureTest, NeverRetriesPostAndPatchWhoseBytesLeft) {
  TestHttpServer server;
  server.on("/reset", [](const ReceivedRequest&, ServerConnection& peer) { peer.reset(); });
  InlineExecutor executor(ProcessorOptions{.retries = 3, .retry_delay = Seconds{0.01}});
  for (const HttpMethod method : {HttpMethod::kPost, HttpMethod::kPatch}) {
    const auto result = executor.send(
        Request::create({.method = method, .url = server.url("/reset"), .body = "x"}).value());
    EXPECT_FALSE(result.has_value());
  }
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST(FailureTest, DoesNotRetryTimeoutsAndResponses) {
  TestHttpServer server;
  server.hang("/hang");
  server.answer("/503", 503, "busy");
  EXPECT_EQ(failure_of(server.url("/hang"), {.request_timeout = Seconds{0.1}, .retries = 3}).kind(),
            ErrorKind::kTotalTimeout);
  InlineExecutor executor;
  EXPECT_EQ(executor.send(Request::create({.url = server.url("/503")}).value())->status(), 503);
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST(FailureTest, ResendsAfterAStaleConnectionAtNoCostOfAnAttempt) {
  // The second request on a connection finds it closed, as after a server's keep-alive timeout.
  std::map<int, int> served;
  std::mutex mutex;
  TestHttpServer server;
  server.on("/", [&](const ReceivedRequest& request, ServerConnection& peer) {
    bool first = false;
    {
      std::lock_guard lock(mutex);
      first = served[request.connection]++ == 0;
    }
    if (first) {
      peer.send(TestHttpServer::response(200, "ok"));
    } else {
      peer.close();
    }
  });
  InlineExecutor executor(ProcessorOptions{.retries = 0});
  ASSERT_TRUE(executor.send(Request::create({.url = server.url("/")}).value()).has_value());

  const auto idempotent = executor.send(
      Request::create({.method = HttpMethod::kPut, .url = server.url("/"), .body = "x"}).value());
  const auto post = executor.send(
      Request::create({.method = HttpMethod::kPost, .url = server.url("/"), .body = "x"}).value());

  ASSERT_TRUE(idempotent.has_value()) << idempotent.error().message();
  ASSERT_FALSE(post.has_value()) << "its bytes left: it may have been carried out";
  EXPECT_EQ(post.error().kind(), ErrorKind::kClosed);
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST(FailureTest, SendsAgainOnceOverAStaleConnection) {
  // The second connection that is idle was closed, too: that is an ordinary failure.
  TestHttpServer server;
  server.on("/both", [&](const ReceivedRequest&, ServerConnection& peer) {
    server.wait_for_release();
    peer.send(TestHttpServer::response(200, "ok"));
  });
  server.on("/work", [](const ReceivedRequest&, ServerConnection& peer) { peer.close(); });
  RecordingTaskHandler handler;
  Processor processor({.retries = 0});
  processor.start();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(processor.enqueue(get(server.url("/both"), handler)).has_value());
  }
  ASSERT_TRUE(server.wait_for_requests("/both", 3));
  server.release();
  ASSERT_EQ(handler.wait_for(3).size(), 3U);
  ASSERT_TRUE(processor.enqueue(get(server.url("/work"), handler)).has_value());
  const auto outcome = handler.wait_for(4).at(3);
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->kind(), ErrorKind::kClosed);
  EXPECT_EQ(server.requests().size(), 5U);
}

TEST(FailureTest, DoesNotTakeAConnectionForStaleAfterTheServerWasAtWork) {
  // Sent again, with `retries: 0`, over one idle connection after the other.
  TestHttpServer server;
  server.on("/work", [&](const ReceivedRequest&, ServerConnection& peer) {
    static_cast<void>(server.wait_for_release(1s));
    peer.close();
  });
  InlineExecutor executor(ProcessorOptions{.retries = 0});
  ASSERT_TRUE(executor.send(Request::create({.url = server.url("/")}).value()).has_value());
  const auto result = executor.send(
      Request::create({.method = HttpMethod::kPut, .url = server.url("/work")}).value());
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kClosed);
  EXPECT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(server.connection_count(), 1);
}

TEST(FailureTest, NoticesThatAnIdleConnectionWasClosedBeforeItUsesIt) {
  std::atomic<int> closed{0};
  TestHttpServer server;
  server.on("/once", [&](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(TestHttpServer::response(200, "ok"));
    peer.close();
    ++closed;
    closed.notify_all();
  });
  InlineExecutor executor(ProcessorOptions{.retries = 0});
  for (int i = 0; i < 20; ++i) {
    const auto response = executor.send(
        Request::create({.method = HttpMethod::kPost, .url = server.url("/once"), .body = "x"})
            .value());
    ASSERT_TRUE(response.has_value()) << response.error().message();
    closed.wait(i);
  }
}

TEST(FailureTest, CoalescesLookUpsAndRemembersAnswersForTheirLife) {
  TestHttpServer server;
  TestDnsServer dns;
  dns.add("api.test", {"127.0.0.1"}, 30);
  RecordingTaskHandler handler;
  ProcessorOptions options{.max_connections = 50};
  options.name_servers = dns.address();
  Processor processor(options);
  processor.start();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(processor.enqueue(get(server.url("/", "api.test"), handler)).has_value());
  }
  for (const auto& outcome : handler.wait_for(50)) {
    EXPECT_TRUE(outcome.response.has_value()) << outcome.error->message();
  }
  EXPECT_EQ(dns.queries_for("api.test"), 1);
}

TEST(FailureTest, TriesTheNextAddressWhenOneRefuses) {
  TestHttpServer server;
  TestDnsServer dns;
  // Nothing listens on 127.0.0.2 at that port.
  dns.add("two.test", {"127.0.0.2", "127.0.0.1"});
  ProcessorOptions options{.retries = 0};
  options.name_servers = dns.address();
  InlineExecutor executor(options);
  const auto response =
      executor.send(Request::create({.url = server.url("/", "two.test")}).value());
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body(), "ok");
}

TEST(FailureTest, AHangingNameServerDelaysNobodyElse) {
  TestHttpServer server;
  TestDnsServer dns;
  RecordingTaskHandler silent;
  RecordingTaskHandler handler;
  ProcessorOptions options{.max_connections = 300, .resolve_timeout = Seconds{60}, .retries = 0};
  options.name_servers = dns.address();
  Processor processor(options);
  processor.start();
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(
        processor.enqueue(get("http://h" + std::to_string(i) + ".silent/", silent)).has_value());
  }
  ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler)).has_value());
  EXPECT_TRUE(handler.wait_for(1).at(0).response.has_value());
  EXPECT_TRUE(silent.wait_for(0).empty());
}

TEST(FailureTest, StoredReferencesWithoutTheirRegistrationFailTheRequest) {
  TestHttpServer server;
  InlineExecutor executor;
  const auto secret = executor.send(
      Request::create({.url = server.url("/"),
                       .headers = {{"x-key", SecretReference::create("api_key").value()}}})
          .value());
  ASSERT_FALSE(secret.has_value());
  EXPECT_EQ(secret.error().class_name(), "PatientHttp::SecretManager::SecretNotFoundError");
  const auto preprocessor =
      executor.send(Request::create({.url = server.url("/"), .preprocessors = {"sign"}}).value());
  ASSERT_FALSE(preprocessor.has_value());
  EXPECT_EQ(preprocessor.error().class_name(),
            "PatientHttp::RequestPreparer::PreprocessorNotFoundError");
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace patient_http
