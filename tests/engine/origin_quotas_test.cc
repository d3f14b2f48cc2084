#include "engine/origin_quotas.h"

#include <gtest/gtest.h>

#include <deque>

namespace patient_http::engine {
namespace {

using Visitor = OriginQuotas::Visitor;

const base::Origin kA{"http", "a", 80};
const base::Origin kB{"http", "b", 80};

TEST(OriginQuotasTest, LetsInAsManyAsTheLimitSays) {
  OriginQuotas quotas(2, {});
  std::deque<Visitor> at_a(3);
  Visitor at_b;
  EXPECT_TRUE(quotas.enter(at_a[0], kA));
  EXPECT_TRUE(quotas.enter(at_a[1], kA));
  EXPECT_FALSE(quotas.enter(at_a[2], kA));
  EXPECT_TRUE(at_a[2].is_waiting());
  EXPECT_TRUE(quotas.enter(at_b, kB));
  EXPECT_FALSE(quotas.has_next());
}

TEST(OriginQuotasTest, AdmitsWhoWaitedLongestWhenOneLeaves) {
  OriginQuotas quotas(1, {});
  std::deque<Visitor> all(3);
  for (Visitor& each : all) static_cast<void>(quotas.enter(each, kA));
  EXPECT_EQ(quotas.leave(all[0]), &all[1]);
  EXPECT_TRUE(all[1].is_admitted());
  EXPECT_EQ(&quotas.next(), &all[1]);
  EXPECT_TRUE(all[1].is_inside());
  EXPECT_FALSE(quotas.has_next());
  EXPECT_EQ(quotas.leave(all[1]), &all[2]);
  quotas.skip_turn(all[2]);
  EXPECT_TRUE(all[2].is_inside());
  EXPECT_EQ(quotas.leave(all[2]), nullptr);
}

TEST(OriginQuotasTest, NobodyOvertakesWhoWaits) {
  OriginQuotas quotas(1, {});
  std::deque<Visitor> all(3);
  EXPECT_TRUE(quotas.enter(all[0], kA));
  EXPECT_FALSE(quotas.enter(all[1], kA));
  EXPECT_EQ(quotas.leave(all[0]), &all[1]);  // admitted, not inside yet
  EXPECT_FALSE(quotas.enter(all[2], kA));
}

TEST(OriginQuotasTest, OriginsTakeTurns) {
  OriginQuotas quotas(0, {});
  std::deque<Visitor> at_a(3);
  std::deque<Visitor> at_b(2);
  for (Visitor& each : at_a) EXPECT_TRUE(quotas.line_up(each, kA));
  for (Visitor& each : at_b) EXPECT_TRUE(quotas.line_up(each, kB));
  std::vector<Visitor*> order;
  while (quotas.has_next()) order.push_back(&quotas.next());
  EXPECT_EQ(order, (std::vector<Visitor*>{&at_a[0], &at_b[0], &at_a[1], &at_b[1], &at_a[2]}));
}

TEST(OriginQuotasTest, WhoGoesAwayIsForgottenWhereverItStands) {
  OriginQuotas quotas(1, {});
  std::deque<Visitor> all(4);
  for (Visitor& each : all) static_cast<void>(quotas.enter(each, kA));
  EXPECT_EQ(quotas.leave(all[2]), nullptr);  // from the queue
  EXPECT_EQ(quotas.leave(all[0]), &all[1]);  // from inside
  EXPECT_EQ(quotas.leave(all[1]), &all[3]);  // admitted: the next one has its room
  EXPECT_EQ(&quotas.next(), &all[3]);
  EXPECT_EQ(quotas.leave(all[3]), nullptr);
  EXPECT_EQ(quotas.leave(all[3]), nullptr);  // it is not there any more
  EXPECT_TRUE(quotas.enter(all[0], kA));
  EXPECT_FALSE(quotas.enter(all[1], kA));
}

TEST(OriginQuotasTest, TakesTheFirstLimitThatFits) {
  const std::vector<HostLimit> limits = {{.host = "free.b", .max_requests = 0},
                                         {.host = "none.b"},
                                         {.host = "*.b", .max_requests = 2},
                                         {.host = "none.b", .max_requests = 9}};
  const auto room = [&](std::size_t usual, const char* host) {
    OriginQuotas quotas(usual, limits);
    std::deque<Visitor> all(20);
    std::size_t inside = 0;
    while (inside < all.size() && quotas.enter(all[inside], {"http", host, 80})) ++inside;
    return inside;
  };
  EXPECT_EQ(room(3, "a"), 3U);
  EXPECT_EQ(room(3, "free.b"), 20U);
  EXPECT_EQ(room(3, "none.b"), 2U);  // the first one says nothing of requests
  EXPECT_EQ(room(0, "x.b"), 2U);
  EXPECT_EQ(room(0, "a"), 20U);
}

TEST(OriginQuotasTest, KnowsWhetherThereIsAnyLimit) {
  EXPECT_FALSE(OriginQuotas(0, {}).has_limits());
  EXPECT_FALSE(OriginQuotas(0, {{.host = "a"}, {.host = "b", .max_requests = 0}}).has_limits());
  EXPECT_TRUE(OriginQuotas(1, {}).has_limits());
  EXPECT_TRUE(OriginQuotas(0, {{.host = "a", .max_requests = 1}}).has_limits());
}

TEST(OriginQuotasTest, TellsOriginsApartByAllThatTheyAre) {
  OriginQuotas quotas(1, {});
  std::deque<Visitor> all(4);
  EXPECT_TRUE(quotas.enter(all[0], {"http", "a", 80}));
  EXPECT_TRUE(quotas.enter(all[1], {"https", "a", 80}));
  EXPECT_TRUE(quotas.enter(all[2], {"http", "a", 81}));
  EXPECT_FALSE(quotas.enter(all[3], {"http", "a", 80}));
}

}  // namespace
}  // namespace patient_http::engine
