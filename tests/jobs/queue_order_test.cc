#include "jobs/queue_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace patient_http::jobs {
namespace {

using testing::ElementsAre;

TEST(QueueOrderTest, KeepsTheirOrderWithoutWeights) {
  EXPECT_THAT(order_queues({{"a"}, {"b"}, {"c"}}, [] { return 0.99; }), ElementsAre(0, 1, 2));
}

TEST(QueueOrderTest, DrawsThemByTheirWeights) {
  const std::vector<RedisQueue> queues = {{"a", 1}, {"b", 3}};
  EXPECT_THAT(order_queues(queues, [] { return 0.24; }), ElementsAre(0, 1));
  EXPECT_THAT(order_queues(queues, [] { return 0.26; }), ElementsAre(1, 0));
  EXPECT_THAT(order_queues(queues, [] { return 0.999; }), ElementsAre(1, 0));
}

TEST(QueueOrderTest, GivesAQueueWithoutAWeightAmongOthersTheSmallest) {
  const std::vector<RedisQueue> queues = {{"a", 0}, {"b", 1}};
  EXPECT_THAT(order_queues(queues, [] { return 0.4; }), ElementsAre(0, 1));
  EXPECT_THAT(order_queues(queues, [] { return 0.6; }), ElementsAre(1, 0));
}

}  // namespace
}  // namespace patient_http::jobs
