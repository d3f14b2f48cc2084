// Requests whose urls are strangers', through the store.
#include <gtest/gtest.h>

#include "service/service_fixture.h"

namespace patient_http {
namespace {

class UntrustedRequestTest : public test::ServiceFixture {};

TEST_F(UntrustedRequestTest, StaysUntrustedInTheStore) {
  std::string id;
  {
    // Never started: what it accepted is for the next process.
    const auto accepting = open();
    id = accepting->client()
             .get(server_.url("/x"), {.is_untrusted = true}, {.callback = "Note"})
             .value();
  }
  const auto service = open();
  service->start();
  const auto calls = journal_.wait_for(1);
  ASSERT_TRUE(calls.at(0).error.has_value());
  EXPECT_EQ(calls[0].request_id, id);
  EXPECT_EQ(calls[0].error->kind(), ErrorKind::kPolicy);
  EXPECT_EQ(calls[0].error->error_type(), "unknown");
  EXPECT_TRUE(calls[0].error->message().starts_with("policy: ")) << calls[0].error->message();
  EXPECT_EQ(server_.connection_count(), 0);
}

TEST_F(UntrustedRequestTest, IsSentWhereThePolicyAllowsIt) {
  Configuration configured = configuration();
  configured.processor.untrusted_network_policy.allow_networks = {"127.0.0.1"};
  const auto service = open(std::move(configured));
  service->start();
  ASSERT_TRUE(
      service->client().get(server_.url("/x"), {.is_untrusted = true}, {.callback = "Note"}));
  EXPECT_TRUE(journal_.wait_for(1).at(0).response.has_value());
}

}  // namespace
}  // namespace patient_http
