// Name servers that do not answer, or not with an address.

#include <gtest/gtest.h>

#include "network/neighbours.h"
#include "support/test_dns_server.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

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

TEST_F(DnsFailureTest, FailsWhereAnAnswerIsCutAndCannotBeHadOverTcp) {
  dns_.truncate("cut.test");
  const auto outcome = outcome_of("cut.test", Seconds{1});
  EXPECT_THAT(outcome.text, testing::StartsWith("error resolve")) << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
}

}  // namespace
}  // namespace patient_http
