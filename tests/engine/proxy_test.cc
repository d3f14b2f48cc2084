// Requests through real proxies.
#include <gtest/gtest.h>

#include "patient_http/inline_executor.h"
#include "support/test_dns_server.h"
#include "support/test_http2_server.h"
#include "support/test_http_server.h"
#include "support/test_proxy.h"

namespace patient_http {
namespace {

using test::ReceivedRequest;
using test::ServerConnection;
using test::TestCertificate;
using test::TestHttpServer;
using test::TestProxy;
using test::TlsFront;

class ProxyTest : public testing::Test {
 protected:
  ProxyTest() {
    options_.retries = 0;
    options_.request_timeout = Seconds{20};
    options_.ca_file = TestCertificate::get().ca_file;
  }
  Result<Response, Error> send(const std::string& url) {
    InlineExecutor executor(options_);
    return executor.send(Request::create({.url = url}).value());
  }
  void use(const TestProxy& proxy, const std::string& credentials = "") {
    options_.proxy_url = "http://" + credentials + proxy.address();
  }

  ProcessorOptions options_;
  TestHttpServer http_;
  TestHttpServer https_{&TestCertificate::get()};
};

TEST_F(ProxyTest, ForwardsHttpWithTheCredentialsForTheProxyAlone) {
  const TestProxy proxy({.user = "me", .password = "hush"});
  use(proxy, "me:hush@");
  const auto response = send(http_.url("/a?b=c"));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body(), "ok");
  EXPECT_EQ(proxy.count("GET"), 1);
  const ReceivedRequest request = http_.requests().at(0);
  EXPECT_EQ(request.target, "/a?b=c");
  EXPECT_EQ(request.header("host").at(0), "127.0.0.1:" + std::to_string(http_.port()));
  EXPECT_TRUE(request.header("proxy-authorization").empty());
}

TEST_F(ProxyTest, SendsAForwarderTheWholeUrl) {
  options_.proxy_url = "http://me:hush@127.0.0.1:" + std::to_string(http_.port());
  ASSERT_TRUE(send("http://a.test/x?y=z").has_value());
  const ReceivedRequest request = http_.requests().at(0);
  EXPECT_EQ(request.target, "http://a.test/x?y=z");
  EXPECT_EQ(request.header("host").at(0), "a.test");
  EXPECT_EQ(request.header("proxy-authorization").at(0), "Basic bWU6aHVzaA==");
}

TEST_F(ProxyTest, ReachesHttpsThroughATunnel) {
  const TestProxy proxy({.user = "me", .password = "hush"});
  use(proxy, "me:hush@");
  InlineExecutor executor(options_);
  for (int i = 0; i < 3; ++i) {
    const auto response = executor.send(Request::create({.url = https_.url("/x")}).value());
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->body(), "ok");
  }
  EXPECT_EQ(proxy.count("CONNECT"), 1) << "the connection is kept";
  EXPECT_TRUE(https_.requests().at(0).header("proxy-authorization").empty());
}

TEST_F(ProxyTest, VerifiesTheOriginThroughATunnel) {
  TestHttpServer wrong(&TestCertificate::for_wrong_host());
  const TestProxy proxy;
  use(proxy);
  const auto result = send(wrong.url("/"));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kTlsCertificate);
  EXPECT_THAT(
      result.error().message(),
      testing::HasSubstr("failed in phase tls at 127.0.0.1:" + std::to_string(wrong.port()) +
                         " through the proxy " + proxy.address() + ": "));
}

TEST_F(ProxyTest, SaysThatTheProxyRefusesTheCredentials) {
  const TestProxy proxy({.user = "me", .password = "hush"});
  for (const std::string credentials : {"me:wrong@", ""}) {
    use(proxy, credentials);
    options_.retries = 3;
    const auto result = send(https_.url("/"));
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().kind(), ErrorKind::kProxy);
    EXPECT_EQ(result.error().error_type(), "connection");
    EXPECT_EQ(result.error().message(), "GET " + https_.url("/") + " failed in phase proxy at " +
                                            proxy.address() + ": the proxy answered " +
                                            (credentials.empty() ? "407" : "401") +
                                            " to CONNECT: check the credentials in proxy_url");
  }
  EXPECT_EQ(proxy.count("CONNECT"), 2) << "trying again would not help";
}

TEST_F(ProxyTest, SaysThatTheProxyRefusesThePort) {
  const TestProxy proxy({.connect_port = 443});
  use(proxy);
  const auto result = send(https_.url("/"));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kProxy);
  EXPECT_THAT(result.error().message(),
              testing::EndsWith(proxy.address() + ": the proxy answered 403 to CONNECT"));
}

TEST_F(ProxyTest, SaysThatTheProxyDoesNotReachTheOrigin) {
  const TestProxy proxy;
  use(proxy);
  const auto result = send("https://127.0.0.1:1/");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kConnection) << "may pass, and is tried again";
  EXPECT_THAT(result.error().message(),
              testing::HasSubstr(" to CONNECT: it has no connection to the origin"));
}

TEST_F(ProxyTest, SaysThatTheProxyIsDown) {
  for (const std::string& url : {http_.url("/"), https_.url("/")}) {
    options_.proxy_url = "http://me:hush@127.0.0.1:1";
    const auto result = send(url);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().kind(), ErrorKind::kRefused);
    EXPECT_EQ(result.error().message(), "GET " + url +
                                            " failed in phase proxy at 127.0.0.1:1: connect: "
                                            "Connection refused");
  }
  test::TestDnsServer dns;
  options_.name_servers = dns.address();
  options_.proxy_url = "http://nowhere.test";
  EXPECT_THAT(send(http_.url("/")).error().message(),
              testing::HasSubstr("failed in phase proxy: look-up of nowhere.test: "));
}

TEST_F(ProxyTest, EndsWaitingForASilentProxyWithTheConnectionTimeout) {
  http_.hang("127.0.0.1:1");
  options_.proxy_url = http_.url("");
  options_.connection_timeout = Seconds{0.2};
  const auto result = send("https://127.0.0.1:1/");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kConnectTimeout);
  EXPECT_THAT(result.error().message(), testing::HasSubstr("failed in phase proxy at 127.0.0.1:"));
}

TEST_F(ProxyTest, BoundsTheAnswerToConnect) {
  http_.answer_raw("127.0.0.1:1", "HTTP/1.1 200 OK\r\nx: " + std::string(20'000, 'x'));
  http_.answer_raw("127.0.0.1:2", "SSH-2.0-server\r\n");
  http_.answer_raw("127.0.0.1:3", "HTTP/1.1 200");
  options_.proxy_url = http_.url("");
  EXPECT_EQ(send("https://127.0.0.1:1/").error().kind(), ErrorKind::kProxy);
  EXPECT_EQ(send("https://127.0.0.1:2/").error().kind(), ErrorKind::kProxy);
  EXPECT_EQ(send("https://127.0.0.1:3/").error().kind(), ErrorKind::kClosed);
}

TEST_F(ProxyTest, ReachesExceptionsDirectly) {
  const TestProxy proxy;
  use(proxy);
  options_.no_proxy = "127.0.0.0/8";
  EXPECT_TRUE(send(http_.url("/")).has_value());
  EXPECT_TRUE(send(https_.url("/")).has_value());
  EXPECT_EQ(proxy.count("GET") + proxy.count("CONNECT"), 0);
}

TEST_F(ProxyTest, KeepsItsCredentialsFromARedirectToADirectHost) {
  http_.answer("/direct", 200, "direct");
  TestHttpServer forwarder;
  forwarder.answer("http://a.test/", 302, "", "location: " + http_.url("/direct") + "\r\n");
  options_.proxy_url = "http://me:hush@127.0.0.1:" + std::to_string(forwarder.port());
  options_.no_proxy = "127.0.0.1";
  const auto response = send("http://a.test/");
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body(), "direct");
  EXPECT_EQ(http_.requests().at(0).target, "/direct");
  EXPECT_TRUE(http_.requests().at(0).header("proxy-authorization").empty());
}

TEST_F(ProxyTest, SpeaksTlsWithTheProxyItself) {
  const TestProxy proxy({.user = "me", .password = "hush"});
  const TlsFront front(TestCertificate::get(), proxy.port());
  options_.proxy_url = "https://me:hush@127.0.0.1:" + std::to_string(front.port());
  const std::string large(900'000, 'r');
  https_.answer("/large", 200, large);
  for (const std::string& url : {https_.url("/large"), http_.url("/")}) {
    const auto response = send(url);
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->body(), url.starts_with("https") ? large : "ok");
  }
  EXPECT_EQ(proxy.count("CONNECT"), 1);
  EXPECT_EQ(proxy.count("GET"), 1);
}

TEST_F(ProxyTest, TunnelsHttp2ToAPlainOrigin) {
  test::TestHttp2Server plain({.is_tls = false});
  const TestProxy proxy({.user = "me", .password = "hush"});
  const TlsFront front(TestCertificate::get(), proxy.port());
  options_.protocol = HttpProtocol::kHttp2;
  for (const std::string& url : {"http://me:hush@" + proxy.address(),
                                 "https://me:hush@127.0.0.1:" + std::to_string(front.port())}) {
    options_.proxy_url = url;
    const auto response = send(plain.url("/x"));
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->body(), "ok");
  }
  EXPECT_EQ(proxy.count("CONNECT"), 2);
  EXPECT_EQ(plain.requests().at(0).header(":path"), "/x");
  EXPECT_EQ(plain.requests().at(0).header("proxy-authorization"), "");
}

TEST_F(ProxyTest, VerifiesAProxyWithTls) {
  const TestProxy proxy;
  const TlsFront front(TestCertificate::for_wrong_host(), proxy.port());
  options_.proxy_url = "https://127.0.0.1:" + std::to_string(front.port());
  const auto result = send(https_.url("/"));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kTlsCertificate);
  EXPECT_THAT(result.error().message(), testing::HasSubstr("failed in phase proxy at "));
}

}  // namespace
}  // namespace patient_http
