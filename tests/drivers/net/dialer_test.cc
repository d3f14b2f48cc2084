#include "drivers/net/dialer.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include "drivers/net/dial.h"
#include "support/test_dns_server.h"
#include "support/test_http_server.h"

namespace patient_http::net {
namespace {

using test::TestCertificate;
using test::TestDnsServer;
using test::TestHttpServer;

TlsContext trusting_context() {
  return std::move(TlsContext::create(TestCertificate::get().ca_file).value());
}

int option_of(const Stream& stream, int level, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(stream.fd(), level, option, &value, &length), 0);
  return value;
}

TEST(DialerTest, ConnectsToAnAddress) {
  TestHttpServer server;
  Dial dial;
  dial.start("127.0.0.1", server.port());
  EXPECT_FALSE(dial.stream.has_value()) << "reported before dial() returned";
  ASSERT_TRUE(dial.turn_until([&] { return dial.stream.has_value(); }));
  EXPECT_EQ(dial.reached, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_FALSE(dial.stream->is_tls());
}

TEST(DialerTest, KeepsConnectionsAliveThroughMinutesOfSilence) {
  // An API that thinks for ten minutes must survive the tables of the middleboxes on the way, and
  // a peer that vanished must be noticed.
  TestHttpServer server;
  Dial dial;
  ASSERT_TRUE(dial.run("127.0.0.1", server.port()));
  EXPECT_EQ(option_of(*dial.stream, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option_of(*dial.stream, IPPROTO_TCP, TCP_KEEPIDLE), 60);
  EXPECT_EQ(option_of(*dial.stream, IPPROTO_TCP, TCP_KEEPINTVL), 15);
  EXPECT_EQ(option_of(*dial.stream, IPPROTO_TCP, TCP_KEEPCNT), 4);
  EXPECT_EQ(option_of(*dial.stream, IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(DialerTest, LooksUpNamesAndTriesTheirAddressesInTurn) {
  TestHttpServer server;
  TestDnsServer dns;
  dns.add("three.test", {"127.0.0.2", "127.0.0.3", "127.0.0.1"});  // one of them listens
  Dial dial(dns.address());
  ASSERT_TRUE(dial.run("three.test", server.port())) << dial.failure->message;
  EXPECT_EQ(dial.reached, "127.0.0.1:" + std::to_string(server.port()));
}

TEST(DialerTest, SaysThatNoAddressAnswered) {
  TestDnsServer dns;
  dns.add("two.test", {"127.0.0.2", "127.0.0.3"});
  Dial dial(dns.address());
  ASSERT_FALSE(dial.run("two.test", 1));
  EXPECT_EQ(dial.failed_in, DialPhase::kConnect);
  EXPECT_EQ(dial.failure->kind, NetFailure::Kind::kRefused);
  EXPECT_EQ(dial.failure->message, "connect: Connection refused (the last of 2 addresses)");
}

TEST(DialerTest, SaysThatANameHasNoAddress) {
  TestDnsServer dns;
  Dial dial(dns.address());
  ASSERT_FALSE(dial.run("nowhere.test", 1));
  EXPECT_EQ(dial.failed_in, DialPhase::kResolve);
  EXPECT_EQ(dial.failure->kind, NetFailure::Kind::kResolve);
}

TEST(DialerTest, FailsAtOnceWhereThereIsNoRoute) {
  Dial dial;
  ASSERT_FALSE(dial.run("255.255.255.255", 1));
  EXPECT_EQ(dial.failed_in, DialPhase::kConnect);
  EXPECT_EQ(dial.dialer->peer()->text(), "255.255.255.255:1");
}

TEST(DialerTest, EndsWithATlsSession) {
  TestHttpServer server(&TestCertificate::get());
  const TlsContext tls = trusting_context();
  Dial dial;
  ASSERT_TRUE(dial.run("127.0.0.1", server.port(), &tls)) << dial.failure->message;
  EXPECT_TRUE(dial.stream->is_tls());
}

TEST(DialerTest, RefusesACertificateThatItCannotVerify) {
  TestHttpServer server(&TestCertificate::for_wrong_host());
  const TlsContext tls = trusting_context();
  Dial dial;
  ASSERT_FALSE(dial.run("127.0.0.1", server.port(), &tls));
  EXPECT_EQ(dial.failed_in, DialPhase::kTls);
  EXPECT_EQ(dial.failure->kind, NetFailure::Kind::kTlsCertificate);
}

TEST(DialerTest, DoesNotTryFurtherAddressesAfterAFailedHandshake) {
  TestHttpServer server(&TestCertificate::for_wrong_host());
  TestDnsServer dns;
  dns.add("two.test", {"127.0.0.1", "127.0.0.1"});
  const TlsContext tls = trusting_context();
  Dial dial(dns.address());
  ASSERT_FALSE(dial.run("two.test", server.port(), &tls));
  EXPECT_EQ(dial.failed_in, DialPhase::kTls);
  EXPECT_EQ(server.connection_count(), 1);
}

TEST(DialerTest, KnowsWhereItStands) {
  TestHttpServer plain;
  TestDnsServer dns;
  const TlsContext tls = trusting_context();
  Dial dial(dns.address());
  dial.start("x.silent", 1, &tls);
  EXPECT_EQ(dial.dialer->phase(), DialPhase::kResolve);
  EXPECT_FALSE(dial.dialer->peer().has_value());
  // A server that does not speak TLS leaves the client waiting in its handshake.
  dial.start("127.0.0.1", plain.port(), &tls);
  EXPECT_EQ(dial.dialer->phase(), DialPhase::kConnect);
  EXPECT_TRUE(dial.turn_until([&] { return dial.dialer->phase() == DialPhase::kTls; }));
  EXPECT_FALSE(dial.stream.has_value());
}

TEST(DialerTest, ReportsNothingOnceItIsDestroyed) {
  TestHttpServer plain;
  TestDnsServer dns;
  dns.add("one.test", {"127.0.0.1"});
  Dial dial(dns.address());
  for (const char* host : {"one.test", "nowhere.test", "127.0.0.1"}) {
    dial.start(host, plain.port());
    dial.dialer.reset();
  }
  // Another look-up of the same names comes after what the destroyed ones would have heard.
  ASSERT_TRUE(dial.run("one.test", plain.port()));
  EXPECT_FALSE(dial.failure.has_value());
  EXPECT_GT(dial.stream->write("GET /asked HTTP/1.1\r\n\r\n").bytes, 0U);
  ASSERT_TRUE(plain.wait_for_requests("/asked"));
  EXPECT_EQ(plain.connection_count(), 1);
}

}  // namespace
}  // namespace patient_http::net
