// Requests over HTTP/2, against nghttp2's server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "patient_http/inline_executor.h"
#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_http2_server.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::get;
using test::Http2Peer;
using test::Http2Received;
using test::RecordedOutcome;
using test::RecordingTaskHandler;
using test::TestCertificate;
using test::TestHttp2Server;
using test::TestHttpServer;
using testing::HasSubstr;

constexpr std::uint32_t kNoError = 0;
constexpr std::uint32_t kInternalError = 2;
constexpr std::uint32_t kRefusedStream = 7;
constexpr std::uint32_t kHttp11Required = 13;

ProcessorOptions options_for_tests() {
  ProcessorOptions options{.max_connections = 2000, .request_timeout = Seconds{30}, .retries = 0};
  options.ca_file = TestCertificate::get().ca_file;
  return options;
}

Result<Response, Error> send(const RequestOptions& request, ProcessorOptions options) {
  InlineExecutor executor(options);
  return executor.send(Request::create(request).value());
}

std::string result_of(const Result<Response, Error>& result) {
  if (!result)
    return std::string(to_string(result.error().kind())) + ": " + result.error().message();
  return std::to_string(result->status()) + " " + result->body().value_or("");
}

// Sends `count` requests at once, and gives how many got 200.
std::size_t send_together(Processor& processor, RecordingTaskHandler& handler,
                          const std::string& url, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_TRUE(processor.enqueue(get(url, handler, std::to_string(i))).has_value());
  }
  const auto outcomes = handler.wait_for(count);
  return static_cast<std::size_t>(
      std::count_if(outcomes.begin(), outcomes.end(), [](const RecordedOutcome& outcome) {
        return outcome.response && outcome.response->status() == 200;
      }));
}

TEST(Http2Test, IsSpokenWhenTheServerChoosesIt) {
  TestHttp2Server server;
  server.on("/echo", [](const Http2Received& request, Http2Peer& peer) {
    peer.respond(request.stream, 201, request.body, {{"x-method", request.header(":method")}});
  });
  const auto result = send({.method = HttpMethod::kPost,
                            .url = server.url("/echo?q=1"),
                            .headers = HttpHeaders({{"X-Mixed", "v"}}),
                            .body = "hello"},
                           options_for_tests());
  ASSERT_TRUE(result.has_value()) << result.error().message();
  EXPECT_EQ(result_of(result), "201 hello");
  EXPECT_EQ(result->headers().get("x-method"), "POST");
  const Http2Received request = server.requests().at(0);
  EXPECT_EQ(request.header(":path"), "/echo?q=1");
  EXPECT_EQ("https://" + request.header(":authority") + "/echo?q=1", server.url("/echo?q=1"));
  EXPECT_EQ(request.header("x-mixed"), "v");
  EXPECT_EQ(request.header("content-length"), "5");
  EXPECT_EQ(request.header("host"), "");
}

TEST(Http2Test, IsSpokenToPlainServersWhenItIsAskedFor) {
  TestHttp2Server server({.is_tls = false});
  ProcessorOptions options = options_for_tests();
  options.protocol = HttpProtocol::kHttp2;
  EXPECT_EQ(result_of(send({.url = server.url("/")}, options)), "200 ok");
  EXPECT_EQ(server.requests().at(0).header(":scheme"), "http");
}

TEST(Http2Test, IsNotOfferedWithProtocolHttp1) {
  TestHttp2Server server;
  ProcessorOptions options = options_for_tests();
  options.protocol = HttpProtocol::kHttp1;
  EXPECT_THAT(result_of(send({.url = server.url("/")}, options)), HasSubstr("tls: "));
  EXPECT_TRUE(server.requests().empty());
}

TEST(Http2Test, FailsWhenItIsAskedForAndTheServerDoesNotChooseIt) {
  TestHttpServer server(&TestCertificate::get());
  ProcessorOptions options = options_for_tests();
  options.protocol = HttpProtocol::kHttp2;
  const std::string result = result_of(send({.url = server.url("/")}, options));
  EXPECT_THAT(result, HasSubstr("tls: "));
  EXPECT_THAT(result, HasSubstr("failed in phase tls"));
  EXPECT_THAT(result, HasSubstr("did not choose HTTP/2"));
}

TEST(Http2Test, TellsThatAPlainServerAskedForHttp2DoesNotSpeakIt) {
  TestHttpServer server;
  ProcessorOptions options = options_for_tests();
  options.protocol = HttpProtocol::kHttp2;
  server.greet("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_THAT(result_of(send({.url = server.url("/")}, options)),
              HasSubstr("the server broke the rules of HTTP/2"));
}

TEST(Http2Test, OpensNoMoreConnectionsThanTheStreamsNeed) {
  TestHttp2Server server({.stream_limit = 100});
  // All wait until all have come, so that none of them makes room for another.
  server.hang("/hang");
  RecordingTaskHandler handler;
  Processor processor(options_for_tests());
  processor.start();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler)).has_value());
  }
  ASSERT_TRUE(server.wait_for_requests(1000));
  EXPECT_EQ(server.connection_count(), 10);
}

TEST(Http2Test, LearnsTheLimitOnItsFirstConnection) {
  TestHttp2Server server({.stream_limit = 500});
  RecordingTaskHandler handler;
  Processor processor(options_for_tests());
  processor.start();
  EXPECT_EQ(send_together(processor, handler, server.url("/"), 400), 400U);
  EXPECT_EQ(server.connection_count(), 1);
}

TEST(Http2Test, KeepsToALimitBelowTheUsual) {
  TestHttp2Server server({.stream_limit = 3});
  RecordingTaskHandler handler;
  Processor processor(options_for_tests());
  processor.start();
  EXPECT_EQ(send_together(processor, handler, server.url("/"), 30), 30U);
}

TEST(Http2Test, FollowsALimitThatChangesWhileStreamsRun) {
  TestHttp2Server server({.stream_limit = 1});
  server.hang("/hang");
  RecordingTaskHandler handler;
  ProcessorOptions options = options_for_tests();
  Processor processor(options);
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler)).has_value());
  ASSERT_TRUE(server.wait_for_requests(1));
  server.with_peers([](Http2Peer& peer) { peer.set_stream_limit(50); });
  EXPECT_EQ(send_together(processor, handler, server.url("/"), 20), 20U);
}

TEST(Http2Test, SendsAndReceivesLargeBodies) {
  TestHttp2Server server({.stream_window = 20'000});
  const std::string large(900'000, 'r');
  server.on("/large", [&large](const Http2Received& request, Http2Peer& peer) {
    peer.respond(request.stream, 200, large);
  });
  const auto result = send({.method = HttpMethod::kPost,
                            .url = server.url("/large"),
                            .body = std::string(3'000'000, 'b')},
                           options_for_tests());
  ASSERT_TRUE(result.has_value()) << result.error().message();
  EXPECT_EQ(result->body(), large);
  EXPECT_EQ(server.requests().at(0).body, std::string(3'000'000, 'b'));
}

TEST(Http2Test, SharesAConnectionBetweenMoreThanItsWindowHolds) {
  // 20 bodies of 900 KB: the connection's window of 1 MiB must open again and again.
  TestHttp2Server server;
  server.on("/large", [](const Http2Received& request, Http2Peer& peer) {
    peer.respond(request.stream, 200, std::string(900'000, 'r'));
  });
  RecordingTaskHandler handler;
  Processor processor(options_for_tests());
  processor.start();
  EXPECT_EQ(send_together(processor, handler, server.url("/large"), 20), 20U);
  EXPECT_EQ(server.connection_count(), 1);
}

TEST(Http2Test, PausedStreamsWaitForTheBudgetAndComeToTheirEnd) {
  TestHttp2Server server;
  server.on("/large", [](const Http2Received& request, Http2Peer& peer) {
    peer.respond(request.stream, 200, std::string(600'000, 'r'));
  });
  RecordingTaskHandler handler;
  ProcessorOptions options = options_for_tests();
  options.body_memory = 1'000'000;
  Processor processor(options);
  processor.start();
  EXPECT_EQ(send_together(processor, handler, server.url("/large"), 12), 12U);
}

TEST(Http2Test, ResetsAloneTheStreamThatTimesOut) {
  TestHttp2Server server;
  server.hang("/hang");
  server.hang("/slow");
  RecordingTaskHandler handler;
  RecordingTaskHandler second;
  Processor processor(options_for_tests());
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler, "other")).has_value());
  auto task = test::make_task({.url = server.url("/slow"), .timeout = Seconds{0.2}}, handler,
                              {.id = "slow"});
  ASSERT_TRUE(processor.enqueue(std::move(task)).has_value());
  const auto outcomes = handler.wait_for(1);
  ASSERT_TRUE(outcomes.at(0).error.has_value());
  EXPECT_EQ(outcomes[0].id, "slow");
  EXPECT_EQ(outcomes[0].error->kind(), ErrorKind::kTotalTimeout);
  EXPECT_TRUE(server.wait_for_resets(1));
  send_together(processor, second, server.url("/"), 1);
  EXPECT_TRUE(second.wait_for(1).at(0).response.has_value());
  EXPECT_EQ(server.connection_count(), 1);
}

TEST(Http2Test, SendsAgainWhatTheServerRefused) {
  // Of a POST too, and with no retries: it was not carried out.
  TestHttp2Server server;
  int refusals = 0;
  server.on("/busy", [&refusals](const Http2Received& request, Http2Peer& peer) {
    if (refusals++ < 2) return peer.reset(request.stream, kRefusedStream);
    peer.respond(request.stream, 200, request.body);
  });
  const auto result =
      send({.method = HttpMethod::kPost, .url = server.url("/busy"), .body = "once"},
           options_for_tests());
  EXPECT_EQ(result_of(result), "200 once");
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(Http2Test, GivesUpOnAServerThatRefusesAlways) {
  TestHttp2Server server;
  server.on("/busy", [](const Http2Received& request, Http2Peer& peer) {
    peer.reset(request.stream, kRefusedStream);
  });
  const std::string result = result_of(send({.url = server.url("/busy")}, options_for_tests()));
  EXPECT_THAT(result, HasSubstr("reset: "));
  EXPECT_THAT(result, HasSubstr("REFUSED_STREAM"));
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST(Http2Test, TellsThatTheServerResetTheStream) {
  TestHttp2Server server;
  server.on("/reset", [](const Http2Received& request, Http2Peer& peer) {
    peer.reset(request.stream, kInternalError);
  });
  const std::string result = result_of(send({.url = server.url("/reset")}, options_for_tests()));
  EXPECT_THAT(result, HasSubstr("reset: "));
  EXPECT_THAT(result, HasSubstr("INTERNAL_ERROR"));
  EXPECT_THAT(result, HasSubstr("failed in phase wait"));
}

TEST(Http2Test, TakesHttp1WhenTheServerWantsItForAnOrigin) {
  TestHttp2Server server;
  server.on("/old", [](const Http2Received& request, Http2Peer& peer) {
    peer.reset(request.stream, kHttp11Required);
  });
  // This server cannot do HTTP/1.1: what counts is that it is asked for it.
  const std::string result = result_of(send({.url = server.url("/old")}, options_for_tests()));
  EXPECT_THAT(result, HasSubstr("tls: "));
  EXPECT_EQ(server.connection_count(), 2);
}

TEST(Http2Test, TakesHttp1WhereOnlyOneConnectionIsAllowed) {
  // The connection that the server does not want to use never closed, and its place never got free.
  TestHttp2Server server;
  server.on("/old", [](const Http2Received& request, Http2Peer& peer) {
    peer.reset(request.stream, kHttp11Required);
  });
  ProcessorOptions options = options_for_tests();
  options.max_connections_per_origin = 1;
  EXPECT_THAT(result_of(send({.url = server.url("/old")}, options)), HasSubstr("tls: "));
  EXPECT_EQ(server.connection_count(), 2);
}

TEST(Http2Test, FinishesAcceptedStreamsAndSendsTheOthersAgainAfterGoaway) {
  TestHttp2Server server;
  std::int32_t accepted = 0;
  server.on("/first",
            [&accepted](const Http2Received& request, Http2Peer&) { accepted = request.stream; });
  // What comes second on the first connection is beyond what GOAWAY accepts.
  server.on("/second", [&accepted](const Http2Received& request, Http2Peer& peer) {
    if (request.connection > 1) return peer.respond(request.stream, 200, "again");
    peer.goaway(accepted, kNoError);
    peer.respond(accepted, 200, "finished");
  });
  RecordingTaskHandler handler;
  Processor processor(options_for_tests());
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/first"), handler, "first")).has_value());
  ASSERT_TRUE(server.wait_for_requests(1));
  auto second =
      test::make_task({.method = HttpMethod::kPost, .url = server.url("/second"), .body = "b"},
                      handler, {.id = "second"});
  ASSERT_TRUE(processor.enqueue(std::move(second)).has_value());
  std::map<std::string, std::string> bodies;
  for (const auto& outcome : handler.wait_for(2)) {
    ASSERT_TRUE(outcome.response.has_value()) << outcome.error->message();
    bodies[outcome.id] = outcome.response->body().value_or("");
  }
  EXPECT_EQ(bodies["first"], "finished");
  EXPECT_EQ(bodies["second"], "again");
  EXPECT_EQ(server.connection_count(), 2);
}

TEST(Http2Test, UsesAnIdleConnectionAgainUntilTheServerSaysGoodbye) {
  TestHttp2Server server;
  server.on("/last", [](const Http2Received& request, Http2Peer& peer) {
    peer.respond(request.stream, 200, "bye");
    peer.goaway(request.stream, kNoError);
  });
  InlineExecutor executor(options_for_tests());
  const auto fetch = [&](std::string_view path) {
    return result_of(executor.send(Request::create({.url = server.url(path)}).value()));
  };
  EXPECT_EQ(fetch("/"), "200 ok");
  EXPECT_EQ(fetch("/last"), "200 bye");
  EXPECT_EQ(server.connection_count(), 1);
  EXPECT_EQ(fetch("/"), "200 ok");
  EXPECT_EQ(server.connection_count(), 2);
}

TEST(Http2Test, FindsADeadConnectionByPing) {
  TestHttp2Server server({.acknowledges_pings = false});
  server.hang("/hang");
  ProcessorOptions options = options_for_tests();
  options.ping_interval = options.ping_timeout = Seconds{0.1};
  const std::string result = result_of(send({.url = server.url("/hang")}, options));
  EXPECT_THAT(result, HasSubstr("connection: "));
  EXPECT_THAT(result, HasSubstr("no answer to a PING within 0.1 s"));
}

TEST(Http2Test, TakesIntervalsThatNoClockHoldsForVeryLongOnes) {
  // In nanoseconds the intervals became negative ones.
  TestHttp2Server server({.acknowledges_pings = false});
  server.hang("/hang");
  ProcessorOptions options = options_for_tests();
  options.ping_interval = options.ping_timeout = options.idle_connection_lifetime = Seconds{1e12};
  options.request_timeout = Seconds{0.3};
  InlineExecutor executor(options);
  const auto fetch = [&](std::string_view path) {
    return result_of(executor.send(Request::create({.url = server.url(path)}).value()));
  };
  EXPECT_EQ(fetch("/"), "200 ok");
  EXPECT_THAT(fetch("/hang"), HasSubstr("total_timeout: "));
  EXPECT_EQ(server.connection_count(), 1);
}

TEST(Http2Test, WaitsOnWhenPingsAreAnswered) {
  TestHttp2Server server;
  server.hang("/hang");
  ProcessorOptions options = options_for_tests();
  options.request_timeout = Seconds{1};
  options.ping_interval = options.ping_timeout = Seconds{0.1};
  EXPECT_THAT(result_of(send({.url = server.url("/hang")}, options)), HasSubstr("total_timeout: "));
}

TEST(Http2Test, AsksOneConnectionWhichProtocolItIsAndThenOpensOneForEach) {
  TestHttpServer server(&TestCertificate::get());
  server.hang("/hang");
  RecordingTaskHandler handler;
  Processor processor(options_for_tests());
  processor.start();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler)).has_value());
  }
  EXPECT_TRUE(server.wait_for_requests("/hang", 20));
  EXPECT_EQ(server.connection_count(), 20);
}

}  // namespace
}  // namespace patient_http
