// Inputs that are larger than anybody means them, and inputs that try to be two.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "network/neighbours.h"
#include "support/test_dns_server.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::outcome_among_neighbours;
using test::TestCertificate;
using test::TestDnsServer;
using test::TestHttpServer;

ProcessorOptions patient() {
  return {.request_timeout = Seconds{60}, .retries = 0};
}

TEST(HostileInputTest, RefusesALengthOfTenGigabytesBeforeAByteOfIt) {
  TestHttpServer server;
  server.on("/", [](const test::ReceivedRequest&, test::ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\nx");
    peer.wait_for_peer_to_close();
  });
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, patient());
  EXPECT_EQ(outcome.text, "error response_too_large") << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
}

TEST(HostileInputTest, RefusesALengthThatNoNumberHolds) {
  TestHttpServer server;
  server.answer_raw("/",
                    "HTTP/1.1 200 OK\r\ncontent-length: " + std::string(30, '9') + "\r\n\r\nx");
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, patient());
  EXPECT_EQ(outcome.text, "error protocol") << outcome.message;
}

TEST(HostileInputTest, RefusesACertificateChainOfAMegabyte) {
  TestHttpServer server(&TestCertificate::get());
  server.pad_certificate_chain(1'000'000);
  ProcessorOptions options = patient();
  options.ca_file = TestCertificate::get().ca_file;
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, options);
  EXPECT_EQ(outcome.text, "error tls") << outcome.message;
  EXPECT_THAT(outcome.message, testing::HasSubstr("excessive message size"));
  EXPECT_LT(outcome.took.count(), 20);
}

TEST(HostileInputTest, TakesHeadersWithNamesOfTenKilobytesAndRefusesTooMany) {
  TestHttpServer server;
  const std::string header = std::string(10'000, 'n') + ": v\r\n";
  std::string many;
  for (int i = 0; i < 7; ++i) many += header;
  server.answer("/one", 200, "one", header);
  server.answer("/many", 200, "many", many);
  EXPECT_EQ(outcome_among_neighbours({.url = server.url("/one")}, patient()).text, "one");
  EXPECT_EQ(outcome_among_neighbours({.url = server.url("/many")}, patient()).text,
            "error headers_too_large");
}

TEST(HostileInputTest, LooksUpNoHostWhoseNameIsTenKilobytesLong) {
  const TestDnsServer dns;
  ProcessorOptions options = patient();
  options.name_servers = dns.address();
  const std::string label(10'000, 'h');
  std::string labels;
  for (int i = 0; i < 200; ++i) labels += std::string(50, 'l') + ".";
  for (const std::string& host : {label, labels + "test"}) {
    const auto request = Request::create({.url = "http://" + host + "/"});
    if (!request) continue;  // it is refused where it is made
    const auto outcome = outcome_among_neighbours({.url = "http://" + host + "/"}, options);
    EXPECT_EQ(outcome.text, "error resolve") << outcome.message.substr(0, 200);
    EXPECT_LT(outcome.took.count(), 20);
  }
}

TEST(HostileInputTest, SendsParamsWithLineBreaksAsParams) {
  TestHttpServer server;
  const auto outcome = outcome_among_neighbours(
      {.url = server.url("/p"),
       .params = {{"a\r\nx-one: 1", Json("b\r\nx-two: 2\r\n\r\nGET /q HTTP/1.1")}}},
      patient());
  EXPECT_EQ(outcome.text, "ok") << outcome.message;
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_TRUE(server.requests()[0].header("x-one").empty());
  EXPECT_TRUE(server.requests()[0].header("x-two").empty());
  EXPECT_THAT(server.requests()[0].target, testing::StartsWith("/p?a%0D%0Ax-one"));
}

}  // namespace
}  // namespace patient_http
