// One server among many that cannot be connected to, as behind a balancer, and many requests.
#include <gtest/gtest.h>

#include <map>

#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_http2_server.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::get;
using test::RecordedOutcome;
using test::RecordingTaskHandler;
using test::ServerConnection;
using test::TestCertificate;
using test::TestHttp2Server;
using test::TestHttpServer;

ProcessorOptions options_for_tests() {
  ProcessorOptions options{.request_timeout = Seconds{20}, .retries = 0};
  options.ca_file = TestCertificate::get().ca_file;
  return options;
}

// How many of `count` requests that are sent at once end in which way: "200", "tls".
std::map<std::string, int> send_together(const ProcessorOptions& options, const std::string& url,
                                         std::size_t count) {
  RecordingTaskHandler handler;
  Processor processor(options);
  processor.start();
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_TRUE(processor.enqueue(get(url, handler, std::to_string(i))).has_value());
  }
  std::map<std::string, int> ends;
  for (const RecordedOutcome& outcome : handler.wait_for(count)) {
    ++ends[outcome.response ? std::to_string(outcome.response->status())
                            : std::string(to_string(outcome.error->kind()))];
  }
  return ends;
}

using Ends = std::map<std::string, int>;

void answer_no_tls(ServerConnection& peer) {
  peer.send_raw("HTTP/1.1 400 Bad Request\r\n\r\n");
  peer.close();
}

TEST(BadDialTest, HandshakeThatHangsHoldsNobodyUp) {
  // All waited for the first dial, which told what the server speaks, until their time was over.
  TestHttpServer server(&TestCertificate::get());
  server.on_accept([](int connection, ServerConnection& peer) {
    if (connection == 1) peer.wait_for_peer_to_close();
  });
  EXPECT_EQ(send_together(options_for_tests(), server.url("/"), 20), (Ends{{"200", 20}}));
}

TEST(BadDialTest, HandshakesThatHangHoldNobodyUpWithHttp2) {
  TestHttp2Server server({.hanging_handshakes = 2});
  EXPECT_EQ(send_together(options_for_tests(), server.url("/"), 20), (Ends{{"200", 20}}));
  EXPECT_EQ(server.connection_count(), 3);
}

TEST(BadDialTest, HandshakeThatFailsCostsOneRequest) {
  // It was the failure of all who waited for the first dial.
  TestHttpServer server(&TestCertificate::get());
  server.on_accept([](int connection, ServerConnection& peer) {
    if (connection == 1) answer_no_tls(peer);
  });
  EXPECT_EQ(send_together(options_for_tests(), server.url("/"), 20),
            (Ends{{"200", 19}, {"tls", 1}}));
}

TEST(BadDialTest, OriginThatIsDownIsDialledAFewTimes) {
  TestHttpServer server(&TestCertificate::get());
  server.on_accept([](int, ServerConnection& peer) { answer_no_tls(peer); });
  EXPECT_EQ(send_together(options_for_tests(), server.url("/"), 200), (Ends{{"tls", 200}}));
  EXPECT_LT(server.connection_count(), 50);
}

TEST(BadDialTest, OriginThatIsDownIsDialledAFewTimesOverSeveralConnections) {
  // Two dials side by side took turns in failing, one for each request that waited.
  TestHttpServer server(&TestCertificate::get());
  server.on_accept([](int, ServerConnection& peer) { answer_no_tls(peer); });
  ProcessorOptions options = options_for_tests();
  options.protocol = HttpProtocol::kHttp1;
  options.max_connections_per_origin = 2;
  EXPECT_EQ(send_together(options, server.url("/"), 200), (Ends{{"tls", 200}}));
  EXPECT_LT(server.connection_count(), 50);
}

}  // namespace
}  // namespace patient_http
