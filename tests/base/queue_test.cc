#include "base/queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>

namespace patient_http::base {
namespace {

TEST(QueueTest, HandsOverInOrderAndInBatches) {
  Queue<std::unique_ptr<int>> queue;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(queue.push(std::make_unique<int>(i)));
  const auto first = queue.take(3);
  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(*first[2], 2);
  EXPECT_EQ(queue.take_now(10).size(), 2U);
  EXPECT_TRUE(queue.take_now(10).empty());
}

TEST(QueueTest, WakesAWaitingTakerWhenItCloses) {
  Queue<int> queue;
  std::vector<int> taken{1};
  std::thread taker([&] { taken = queue.take(1); });
  queue.close();
  taker.join();
  EXPECT_TRUE(taken.empty());
  EXPECT_FALSE(queue.push(1));
}

TEST(QueueTest, GivesOutWhatIsLeftAfterItCloses) {
  Queue<int> queue;
  ASSERT_TRUE(queue.push(7));
  queue.close();
  EXPECT_EQ(queue.take(5), std::vector<int>{7});
  EXPECT_TRUE(queue.take(5).empty());
  queue.reopen();
  EXPECT_TRUE(queue.push(8));
}

TEST(QueueTest, WaitsUntilEnoughIsThere) {
  Queue<int> queue;
  ASSERT_TRUE(queue.push(1));
  queue.wait_for(2, std::chrono::steady_clock::now());  // the time has come: it returns
  std::thread other([&] { EXPECT_TRUE(queue.push_all({2, 3})); });
  queue.wait_for(2, std::chrono::steady_clock::now() + std::chrono::minutes(10));
  EXPECT_GE(queue.size(), 2U);
  other.join();
}

TEST(QueueTest, EndsTheWaitForEnoughWhenItCloses) {
  Queue<int> queue;
  std::thread other([&] { queue.close(); });
  queue.wait_for(1, std::chrono::steady_clock::now() + std::chrono::minutes(10));
  other.join();
}

}  // namespace
}  // namespace patient_http::base
