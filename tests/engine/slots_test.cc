#include "engine/slots.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace patient_http::engine {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using Taken = Slots::Taken;

class SlotsTest : public testing::Test {
 protected:
  SlotsTest() { slots_.open(); }

  std::atomic<int> rooms_{0};
  Slots slots_{2, [this] { ++rooms_; }};
};

TEST_F(SlotsTest, GivesOutAsManyAsThereAre) {
  EXPECT_EQ(slots_.free(), 2U);
  EXPECT_EQ(slots_.try_take(), Taken::kYes);
  EXPECT_EQ(slots_.try_take(), Taken::kYes);
  EXPECT_EQ(slots_.try_take(), Taken::kFull);
  EXPECT_EQ(slots_.free(), 0U);
  slots_.give_back(1);
  EXPECT_EQ(slots_.try_take(), Taken::kYes);
  EXPECT_EQ(slots_.counts().occupied, 2U);
}

TEST_F(SlotsTest, GivesOutNoneWhileClosed) {
  Slots never_opened(2, [] {});
  EXPECT_EQ(never_opened.try_take(), Taken::kClosed);
  EXPECT_EQ(never_opened.free(), 0U);
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  slots_.close();
  EXPECT_EQ(slots_.try_take(), Taken::kClosed);
  EXPECT_EQ(slots_.counts().occupied, 1U);
}

TEST_F(SlotsTest, ParkedTasksLeaveTheirSlots) {
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  ASSERT_TRUE(slots_.try_park());
  EXPECT_EQ(slots_.counts().occupied, 0U);
  EXPECT_EQ(slots_.counts().parked, 1U);
  EXPECT_EQ(slots_.free(), 2U);
}

TEST_F(SlotsTest, ParkingRoomIsAsLargeAsTheSlots) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(slots_.try_take(), Taken::kYes);
    ASSERT_TRUE(slots_.try_park());
  }
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  EXPECT_FALSE(slots_.try_park());
  EXPECT_EQ(slots_.free(), 0U) << "what would be claimed now could not be parked";
}

TEST_F(SlotsTest, ParkedTasksGoBeforeNewOnes) {
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  ASSERT_TRUE(slots_.try_park());
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  slots_.want_back();
  EXPECT_FALSE(slots_.try_return());
  EXPECT_EQ(rooms_, 0);

  slots_.give_back(1);

  EXPECT_EQ(rooms_, 1) << "the parked task may ask again";
  EXPECT_EQ(slots_.try_take(), Taken::kFull);
  EXPECT_TRUE(slots_.try_return());
  EXPECT_EQ(slots_.counts().parked, 0U);
}

TEST_F(SlotsTest, AParkedTaskThatEndsIsCountedUntilItIsSettled) {
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  ASSERT_TRUE(slots_.try_park());
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  slots_.want_back();
  slots_.force_return(true);
  EXPECT_EQ(slots_.counts().occupied, 3U);
  EXPECT_FALSE(slots_.wait_until_empty(steady_clock::now()));
  slots_.give_back(3);
  EXPECT_EQ(rooms_, 0) << "nobody waits any more";
  EXPECT_TRUE(slots_.wait_until_empty(steady_clock::now()));
}

TEST_F(SlotsTest, WaitsForAFreeSlot) {
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  EXPECT_FALSE(slots_.wait_for_free(1, steady_clock::now() + 1ms));
  std::thread other([&] { slots_.give_back(1); });
  EXPECT_TRUE(slots_.wait_for_free(1, steady_clock::now() + 60s));
  other.join();
}

TEST_F(SlotsTest, WaitsForAsManyFreeSlotsAsItIsAskedFor) {
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  EXPECT_TRUE(slots_.wait_for_free(1, steady_clock::now()));
  EXPECT_FALSE(slots_.wait_for_free(2, steady_clock::now() + 1ms));
  std::thread other([&] { slots_.give_back(1); });
  EXPECT_TRUE(slots_.wait_for_free(2, steady_clock::now() + 60s));
  other.join();
}

TEST_F(SlotsTest, EndsTheWaitForAFreeSlotWhenItCloses) {
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  ASSERT_EQ(slots_.try_take(), Taken::kYes);
  std::thread other([&] { slots_.close(); });
  EXPECT_TRUE(slots_.wait_for_free(1, steady_clock::now() + 60s));
  other.join();
  EXPECT_EQ(slots_.free(), 0U);
}

TEST_F(SlotsTest, NeverGivesOutMoreThanItHasHoweverManyAsk) {
  Slots slots(10, [] {});
  slots.open();
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20'000; ++round) {
        if (slots.try_take() != Taken::kYes) continue;
        const int now = ++inside;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        --inside;
        slots.give_back(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 10);
  EXPECT_EQ(slots.counts().occupied, 0U);
}

}  // namespace
}  // namespace patient_http::engine
