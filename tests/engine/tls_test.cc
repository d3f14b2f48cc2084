#include <gtest/gtest.h>

#include "patient_http/inline_executor.h"
#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::get;
using test::ReceivedRequest;
using test::RecordingTaskHandler;
using test::ServerConnection;
using test::TestCertificate;
using test::TestHttpServer;

Result<Response, Error> send(const std::string& url, const std::string& ca_file) {
  ProcessorOptions options{.request_timeout = Seconds{20}, .retries = 0};
  options.ca_file = ca_file;
  InlineExecutor executor(options);
  return executor.send(Request::create({.url = url}).value());
}

TEST(TlsTest, VerifiesTheServerByNameAndByAddress) {
  TestHttpServer server(&TestCertificate::get());
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto response = send(server.url("/", host), TestCertificate::get().ca_file);
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->body(), "ok");
  }
}

TEST(TlsTest, RefusesCertificatesOfAnUnknownAuthority) {
  TestHttpServer server(&TestCertificate::get());
  const auto result = send(server.url("/"), "");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kTlsCertificate);
  EXPECT_EQ(result.error().error_type(), "ssl");
  EXPECT_EQ(result.error().class_name(), "OpenSSL::SSL::SSLError");
  EXPECT_TRUE(server.requests().empty());
}

TEST(TlsTest, RefusesCertificatesForAnotherHost) {
  TestHttpServer server(&TestCertificate::for_wrong_host());
  const auto result = send(server.url("/"), TestCertificate::get().ca_file);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kTlsCertificate);
  EXPECT_TRUE(result.error().message().find("IP address mismatch") != std::string::npos)
      << result.error().message();
}

TEST(TlsTest, SendsLargeBodiesAndReadsLargeResponses) {
  TestHttpServer server(&TestCertificate::get());
  const std::string large(900'000, 'r');
  server.answer("/large", 200, large);
  ProcessorOptions options;
  options.ca_file = TestCertificate::get().ca_file;
  InlineExecutor executor(options);
  const auto response = executor.send(Request::create({.method = HttpMethod::kPost,
                                                       .url = server.url("/large"),
                                                       .body = std::string(3'000'000, 'b')})
                                          .value());
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body(), large);
  EXPECT_EQ(server.requests()[0].body.size(), 3'000'000U);
}

TEST(TlsTest, KeepsConnectionsAlive) {
  TestHttpServer server(&TestCertificate::get());
  ProcessorOptions options;
  options.ca_file = TestCertificate::get().ca_file;
  InlineExecutor executor(options);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(executor.send(Request::create({.url = server.url("/")}).value()).has_value());
  }
  EXPECT_EQ(server.connection_count(), 1);
}

TEST(TlsTest, TakesATruncatedCloseDelimitedBodyForCutOff) {
  TestHttpServer server(&TestCertificate::get());
  server.on("/whole", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\n\r\nall of it");
    peer.close();
  });
  server.on("/cut", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\n\r\nsome of it");
    peer.cut();
  });
  const std::string& ca_file = TestCertificate::get().ca_file;
  const auto whole = send(server.url("/whole"), ca_file);
  ASSERT_TRUE(whole.has_value()) << whole.error().message();
  EXPECT_EQ(whole->body(), "all of it");
  const auto cut = send(server.url("/cut"), ca_file);
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().kind(), ErrorKind::kClosed);
}

TEST(TlsTest, CarriesManyRequestsAtOnce) {
  TestHttpServer server(&TestCertificate::get());
  RecordingTaskHandler handler;
  ProcessorOptions options{.max_connections = 100};
  options.ca_file = TestCertificate::get().ca_file;
  Processor processor(options);
  processor.start();
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler)).has_value());
  const auto outcomes = handler.wait_for(100);
  ASSERT_EQ(outcomes.size(), 100U);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.response.has_value());
}

}  // namespace
}  // namespace patient_http
