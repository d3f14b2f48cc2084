// Name servers that do not answer, or not with an address that answers.

#include <gtest/gtest.h>

#include "network/neighbours.h"
#include "patient_http/inline_executor.h"
#include "support/hanging_server.h"
#include "support/test_dns_server.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::HangingServer;
using test::outcome_among_neighbours;
using test::TestDnsServer;
using test::TestHttpServer;

class DnsFailureTest : public testing::Test {
 protected:
  test::Outcome outcome_of(const std::string& name, Seconds resolve_timeout = Seconds{20}) {
    ProcessorOptions options{.request_timeout = Seconds{60}, .retries = 0};
    options.resolve_timeout = resolve_timeout;
    options.name_servers = dns_.address();
    return outcome_among_neighbours({.url = server_.url("/", name)}, options);
  }

  TestHttpServer server_;
  TestDnsServer dns_;
};

TEST_F(DnsFailureTest, EndsALookUpWithoutAnAnswerAtItsTimeout) {
  const auto outcome = outcome_of("x.silent", Seconds{1});
  EXPECT_EQ(outcome.text, "error resolve_timeout") << outcome.message;
  EXPECT_GE(outcome.took.count(), 1);
  EXPECT_LT(outcome.took.count(), 20);
}

TEST_F(DnsFailureTest, TellsANameThatDoesNotExist) {
  const auto outcome = outcome_of("nowhere.test");
  EXPECT_EQ(outcome.text, "error resolve") << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
}

TEST_F(DnsFailureTest, TellsANameWithoutAnAddress) {
  dns_.add("empty.test", {});
  const auto outcome = outcome_of("empty.test");
  EXPECT_EQ(outcome.text, "error resolve") << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
}

TEST_F(DnsFailureTest, TellsAServerThatFailsOrRefuses) {
  dns_.fail("fails.test", TestDnsServer::Failure::kServerFailure);
  dns_.fail("refused.test", TestDnsServer::Failure::kRefused);
  for (const char* name : {"fails.test", "refused.test"}) {
    const auto outcome = outcome_of(name);
    EXPECT_EQ(outcome.text, "error resolve") << outcome.message;
    EXPECT_LT(outcome.took.count(), 20);
  }
}

TEST_F(DnsFailureTest, TakesGarbageForNoAnswer) {
  dns_.garble("garbage.test");
  const auto outcome = outcome_of("garbage.test", Seconds{1});
  EXPECT_THAT(outcome.text, testing::StartsWith("error resolve")) << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
}

TEST_F(DnsFailureTest, FailsWhereAnAnswerIsCutAndNoneComesOverTcp) {
  dns_.truncate("cut.test");
  const auto outcome = outcome_of("cut.test", Seconds{1});
  EXPECT_THAT(outcome.text, testing::StartsWith("error resolve")) << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
}

TEST_F(DnsFailureTest, ConnectsOverIpv4WhileIpv6Hangs) {
  const HangingServer hanging("::1", server_.port());
  dns_.add("dual.test", {"::1", "127.0.0.1"});
  const auto outcome = outcome_of("dual.test");
  EXPECT_EQ(outcome.text, "ok") << outcome.message;
  // The kernel gives up on the other after two minutes.
  EXPECT_LT(outcome.took.count(), 20);
}

TEST_F(DnsFailureTest, FindsTheOneThatWorksAmongFiftyAddresses) {
  // More than a datagram holds: they come over TCP.
  std::vector<std::string> addresses;
  for (int i = 1; i <= 50; ++i) addresses.push_back("127.0.1." + std::to_string(i));
  dns_.add("none.test", addresses);
  const auto refused = outcome_of("none.test");
  EXPECT_EQ(refused.text, "error refused") << refused.message;
  EXPECT_LT(refused.message.size(), 1000U);
  EXPECT_LT(refused.took.count(), 20);

  addresses[9] = "127.0.0.1";
  dns_.add("tenth.test", addresses);
  const auto outcome = outcome_of("tenth.test");
  EXPECT_EQ(outcome.text, "ok") << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
}

TEST_F(DnsFailureTest, FollowsAnAnswerThatChanges) {
  ProcessorOptions options{.request_timeout = Seconds{60}, .retries = 0};
  options.name_servers = dns_.address();
  InlineExecutor executor(options);
  const auto send = [&] {
    return executor.send(Request::create({.url = server_.url("/", "moving.test")}).value());
  };
  dns_.add("moving.test", {"127.0.0.2"}, 0);
  EXPECT_EQ(send().error().kind(), ErrorKind::kRefused);
  dns_.add("moving.test", {"127.0.0.1"}, 0);
  EXPECT_TRUE(send().has_value());
  // A connection outlives the answer that it was made with.
  dns_.add("moving.test", {"127.0.0.2"}, 0);
  EXPECT_TRUE(send().has_value());
  EXPECT_EQ(server_.connection_count(), 1);
}

}  // namespace
}  // namespace patient_http
