#include "engine/body_budget.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace patient_http::engine {
namespace {

class BodyBudgetTest : public testing::Test {
 protected:
  std::atomic<int> rooms_{0};
  BodyBudget budget_{100, [this] { ++rooms_; }};
};

TEST_F(BodyBudgetTest, IsSpentFromItsLimitOn) {
  BodyCharge charge(budget_);
  charge.add(99);
  EXPECT_FALSE(budget_.is_spent());
  charge.add(1);
  EXPECT_TRUE(budget_.is_spent());
  charge.add(50);
  EXPECT_EQ(budget_.used(), 150U);
}

TEST_F(BodyBudgetTest, GetsChargesBackWhenTheyEnd) {
  {
    BodyCharge charge(budget_);
    charge.add(60);
  }
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(rooms_, 0) << "it was never spent";
}

TEST_F(BodyBudgetTest, SaysOnceThatItHasRoomAgain) {
  auto first = std::make_unique<BodyCharge>(budget_);
  auto second = std::make_unique<BodyCharge>(budget_);
  BodyCharge third(budget_);
  first->add(80);
  second->add(80);
  third.add(10);
  first.reset();
  EXPECT_EQ(rooms_, 1);
  second.reset();
  EXPECT_EQ(rooms_, 1);
}

TEST_F(BodyBudgetTest, MovesChargesWithoutLosingOrDoublingThem) {
  BodyCharge first(budget_);
  first.add(30);
  BodyCharge second(std::move(first));
  EXPECT_EQ(budget_.used(), 30U);
  BodyCharge third(budget_);
  third.add(5);
  third = std::move(second);
  EXPECT_EQ(budget_.used(), 30U);
  third.give_back();
  third.give_back();
  EXPECT_EQ(budget_.used(), 0U);
}

TEST_F(BodyBudgetTest, KnowsWhatIsOnItsWayOut) {
  auto settled = std::make_unique<BodyCharge>(budget_);
  BodyCharge growing(budget_);
  settled->add(60);
  growing.add(150);
  EXPECT_FALSE(budget_.is_leaving());
  settled->settle();
  EXPECT_TRUE(budget_.is_leaving());

  settled.reset();

  EXPECT_FALSE(budget_.is_leaving());
  EXPECT_TRUE(budget_.is_spent());
  EXPECT_EQ(rooms_, 1) << "still spent, but nothing more will be given back by itself";
}

TEST_F(BodyBudgetTest, CountsRightFromSeveralThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < 10'000; ++round) {
        BodyCharge charge(budget_);
        charge.add(40);
        charge.settle();
        BodyCharge moved(std::move(charge));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_FALSE(budget_.is_leaving());
}

}  // namespace
}  // namespace patient_http::engine
