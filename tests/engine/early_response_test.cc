// Servers that answer before they have read the request.

#include <gtest/gtest.h>

#include "patient_http/inline_executor.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::ReceivedRequest;
using test::ServerConnection;
using test::TestCertificate;
using test::TestHttpServer;

// More than the buffers of two sockets hold.
const std::string kLarge(30'000'000, 'x');

Request upload(const std::string& url, HttpMethod method = HttpMethod::kPost) {
  return Request::create({.method = method, .url = url, .body = kLarge}).value();
}

ProcessorOptions options() {
  ProcessorOptions made{.request_timeout = Seconds{20}, .retries = 0};
  made.ca_file = TestCertificate::get().ca_file;
  return made;
}

class EarlyResponseTest : public testing::TestWithParam<const TestCertificate*> {
 protected:
  TestHttpServer server_{GetParam()};
  InlineExecutor executor_{options()};
};

std::string name_of(const testing::TestParamInfo<const TestCertificate*>& tested) {
  return tested.param == nullptr ? "Plain" : "Tls";
}

INSTANTIATE_TEST_SUITE_P(PlainAndTls, EarlyResponseTest,
                         testing::Values(nullptr, &TestCertificate::get()), name_of);

TEST_P(EarlyResponseTest, IsDeliveredAndEndsTheConnection) {
  // It reads nothing more, so that the client cannot have sent all.
  server_.on_head("/", [this](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(TestHttpServer::response(413, "too large"));
    server_.wait_for_release();
    peer.close();
  });
  for (int i = 0; i < 2; ++i) {
    const auto response = executor_.send(upload(server_.url("/")));
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->status(), 413);
    EXPECT_EQ(response->body(), "too large");
  }
  EXPECT_EQ(server_.connection_count(), 2) << "the rest of the body is no request";
}

TEST_P(EarlyResponseTest, IsDeliveredThoughTheServerClosesWithoutReading) {
  server_.on_head("/", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(TestHttpServer::response(401, "who are you", "connection: close\r\n"));
    peer.close();
  });
  const auto response = executor_.send(upload(server_.url("/")));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->status(), 401);
  EXPECT_EQ(response->body(), "who are you");
}

TEST_P(EarlyResponseTest, FailsAsResetWhenTheServerSaysNothing) {
  server_.on_head("/", [](const ReceivedRequest&, ServerConnection& peer) { peer.reset(); });
  const auto response = executor_.send(upload(server_.url("/")));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind(), ErrorKind::kReset) << response.error().message();
}

TEST_P(EarlyResponseTest, MayBeginBeforeAllIsSentAndEndAfterwards) {
  server_.on_head("/", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst");
  });
  server_.on("/", [](const ReceivedRequest&, ServerConnection& peer) { peer.send(" half"); });
  const auto response = executor_.send(upload(server_.url("/")));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body(), "first half");
  EXPECT_EQ(server_.requests()[0].body.size(), kLarge.size());
  EXPECT_TRUE(executor_.send(Request::create({.url = server_.url("/next")}).value()).has_value());
  EXPECT_EQ(server_.connection_count(), 1) << "everything was sent and everything read";
}

TEST_P(EarlyResponseTest, IsBoundedByTheIdleTimeoutOnceAllIsSent) {
  // The end of sending took the transfer back to waiting for a first byte, which had come: the
  // silence inside the response was bounded by nothing but the whole request's time.
  server_.on_head("/", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst");
  });
  server_.hang("/");
  ProcessorOptions with_idle_timeout = options();
  with_idle_timeout.idle_timeout = Seconds{1};
  InlineExecutor executor(with_idle_timeout);
  const auto response = executor.send(upload(server_.url("/")));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind(), ErrorKind::kIdleTimeout) << response.error().message();
}

}  // namespace
}  // namespace patient_http
