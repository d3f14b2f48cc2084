// Servers that take their time, or all of it.

#include <gtest/gtest.h>

#include "network/neighbours.h"
#include "support/hanging_server.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::HangingServer;
using test::outcome_among_neighbours;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;

// Sends a byte now and then until the client has gone, or all were sent.
TestHttpServer::Handler dripping(TestHttpServer& server, const std::string& bytes,
                                 std::chrono::milliseconds interval) {
  return [&server, bytes, interval](const ReceivedRequest&, ServerConnection& peer) {
    for (const char byte : bytes) {
      if (!peer.send({&byte, 1}) || server.wait_for_release(interval)) return;
    }
  };
}

ProcessorOptions patient() {
  return {.request_timeout = Seconds{60}, .retries = 0};
}

const std::string kEndless(100'000, 'x');

TEST(PaceTest, EndsNoAnswerAtTheFirstByteTimeout) {
  TestHttpServer server;
  server.hang("/");
  ProcessorOptions options = patient();
  options.first_byte_timeout = Seconds{1};
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, options);
  EXPECT_EQ(outcome.text, "error first_byte_timeout") << outcome.message;
  EXPECT_GE(outcome.took.count(), 1);
  EXPECT_LT(outcome.took.count(), 20);
}

TEST(PaceTest, EndsAHeadThatDripsAtTheRequestsTimeout) {
  TestHttpServer server;
  server.on("/", dripping(server, "HTTP/1.1 200 OK\r\nx: " + kEndless, 10ms));
  const auto outcome =
      outcome_among_neighbours({.url = server.url("/"), .timeout = Seconds{1}}, patient());
  EXPECT_EQ(outcome.text, "error total_timeout") << outcome.message;
  EXPECT_GE(outcome.took.count(), 1);
  EXPECT_LT(outcome.took.count(), 20);
}

TEST(PaceTest, EndsABodyThatDripsAtTheRequestsTimeout) {
  TestHttpServer server;
  server.on("/", dripping(server, "HTTP/1.1 200 OK\r\n\r\n" + kEndless, 10ms));
  ProcessorOptions options = patient();
  options.idle_timeout = Seconds{20};
  const auto outcome =
      outcome_among_neighbours({.url = server.url("/"), .timeout = Seconds{1}}, options);
  EXPECT_EQ(outcome.text, "error total_timeout") << outcome.message;
  EXPECT_GE(outcome.took.count(), 1);
  EXPECT_LT(outcome.took.count(), 20);
}

TEST(PaceTest, EndsABodyThatPausesTooLongAtTheIdleTimeout) {
  TestHttpServer server;
  server.on("/", [&server](const ReceivedRequest& request, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    dripping(server, kEndless, 60s)(request, peer);
  });
  ProcessorOptions options = patient();
  options.idle_timeout = Seconds{1};
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, options);
  EXPECT_EQ(outcome.text, "error idle_timeout") << outcome.message;
  EXPECT_GE(outcome.took.count(), 1);
  EXPECT_LT(outcome.took.count(), 20);
}

TEST(PaceTest, TakesAResponseByteByByte) {
  TestHttpServer server;
  server.on("/", dripping(server,
                          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                          "transfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nx: y\r\n\r\n",
                          1ms));
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, patient());
  EXPECT_EQ(outcome.text, "abc") << outcome.message;
}

TEST(PaceTest, TakesAHalfClosedConnectionForNoAnswer) {
  // It has closed its side and still reads: nothing will ever come.
  TestHttpServer server;
  server.on("/", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.close();
    peer.wait_for_peer_to_close();
  });
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, patient());
  EXPECT_EQ(outcome.text, "error closed") << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
}

TEST(PaceTest, EndsAConnectionThatIsNeverMadeAtTheConnectionTimeout) {
  const TestHttpServer server;
  const HangingServer hanging("127.0.0.2", server.port());
  ProcessorOptions options = patient();
  options.connection_timeout = Seconds{1};
  const auto outcome = outcome_among_neighbours({.url = server.url("/", "127.0.0.2")}, options);
  EXPECT_EQ(outcome.text, "error connect_timeout") << outcome.message;
  EXPECT_GE(outcome.took.count(), 1);
  EXPECT_LT(outcome.took.count(), 20);
}

TEST(PaceTest, TellsARefusedConnectionAtOnce) {
  int port = 0;
  {
    const TestHttpServer gone;
    port = gone.port();
  }
  const auto outcome = outcome_among_neighbours(
      {.url = "http://127.0.0.1:" + std::to_string(port) + "/"}, patient());
  EXPECT_EQ(outcome.text, "error refused") << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
}

}  // namespace
}  // namespace patient_http
