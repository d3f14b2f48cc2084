// TLS that cannot be trusted, does not come about, or breaks off.

#include <gtest/gtest.h>

#include "network/neighbours.h"
#include "patient_http/inline_executor.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::outcome_among_neighbours;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestCertificate;
using test::TestHttpServer;

ProcessorOptions options() {
  ProcessorOptions made{.request_timeout = Seconds{60}, .retries = 0};
  made.ca_file = TestCertificate::get().ca_file;
  return made;
}

// A request for https to a plain server.
std::string tls_url(const TestHttpServer& plain) {
  return "https://127.0.0.1:" + std::to_string(plain.port()) + "/";
}

struct Untrusted {
  const char* name;
  const TestCertificate& (*certificate)();
  std::string reason;  // as OpenSSL 3.0 words it
};

std::ostream& operator<<(std::ostream& out, const Untrusted& tested) {
  return out << tested.name;
}

class UntrustedCertificateTest : public testing::TestWithParam<Untrusted> {};

INSTANTIATE_TEST_SUITE_P(
    Certificates, UntrustedCertificateTest,
    testing::Values(
        Untrusted{"WrongName", TestCertificate::for_wrong_host, "IP address mismatch"},
        Untrusted{"Expired", TestCertificate::expired, "certificate has expired"},
        Untrusted{"NotYetValid", TestCertificate::not_yet_valid, "certificate is not yet valid"},
        Untrusted{"SelfSigned", TestCertificate::self_signed, "self-signed certificate"}),
    [](const auto& tested) { return tested.param.name; });

TEST_P(UntrustedCertificateTest, IsRefusedBeforeAnythingIsSent) {
  TestHttpServer server(&GetParam().certificate());
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, options());
  EXPECT_EQ(outcome.text, "error tls_certificate");
  EXPECT_THAT(outcome.message, testing::HasSubstr(GetParam().reason));
  EXPECT_LT(outcome.took.count(), 20);
  EXPECT_TRUE(server.requests().empty());
}

TEST(TlsFailureTest, BoundsAHandshakeThatStallsByTheConnectionTimeout) {
  // The header of a ServerHello's record, and nothing of its 122 bytes.
  const std::string begun("\x16\x03\x03\x00\x7a", 5);
  for (const std::string& greeting : {std::string(), begun}) {
    TestHttpServer server;
    server.greet(greeting);
    ProcessorOptions with_timeout = options();
    with_timeout.connection_timeout = Seconds{1};
    const auto outcome = outcome_among_neighbours({.url = tls_url(server)}, with_timeout);
    EXPECT_EQ(outcome.text, "error connect_timeout") << outcome.message;
    EXPECT_THAT(outcome.message, testing::HasSubstr("phase tls"));
    EXPECT_GE(outcome.took.count(), 1);
    EXPECT_LT(outcome.took.count(), 20);
  }
}

TEST(TlsFailureTest, TellsAServerThatSpeaksNoTls) {
  TestHttpServer server;
  server.greet("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
  const auto outcome = outcome_among_neighbours({.url = tls_url(server)}, options());
  EXPECT_EQ(outcome.text, "error tls") << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
}

TEST(TlsFailureTest, TellsAHandshakeThatTheServerRefuses) {
  TestHttpServer server;
  server.greet(std::string("\x15\x03\x03\x00\x02\x02\x28", 7));  // alert: handshake_failure
  const auto outcome = outcome_among_neighbours({.url = tls_url(server)}, options());
  EXPECT_EQ(outcome.text, "error tls") << outcome.message;
  EXPECT_THAT(outcome.message, testing::HasSubstr("handshake failure"));
}

TEST(TlsFailureTest, NeedsNoCloseNotifyAfterAResponseThatSaysWhereItEnds) {
  TestHttpServer server(&TestCertificate::get());
  server.on("/", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(TestHttpServer::response(200, "whole", "connection: close\r\n"));
    peer.cut();
  });
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, options());
  EXPECT_EQ(outcome.text, "whole") << outcome.message;
}

TEST(TlsFailureTest, TellsGarbageInsideAConnection) {
  // The head came; what follows is no TLS record.
  TestHttpServer server(&TestCertificate::get());
  server.on("/", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello");
    peer.send_raw("this is no record");
    peer.wait_for_peer_to_close();
  });
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, options());
  EXPECT_EQ(outcome.text, "error tls") << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
}

}  // namespace
}  // namespace patient_http
