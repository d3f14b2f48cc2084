#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>

namespace patient_http::base {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

TEST(MutexTest, LetsOneThreadInAtATime) {
  Mutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10'000; ++round) {
        MutexLock lock(mutex);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 40'000);
}

TEST(CondVarTest, WakesWhoWaits) {
  Mutex mutex;
  CondVar changed;
  bool ready = false;
  std::thread other([&] {
    MutexLock lock(mutex);
    ready = true;
    changed.notify_all();
  });
  {
    MutexLock lock(mutex);
    while (!ready) changed.wait(mutex);
    EXPECT_TRUE(ready);
  }
  other.join();
}

TEST(CondVarTest, SaysThatTheTimeCameFirst) {
  Mutex mutex;
  CondVar changed;
  MutexLock lock(mutex);
  const auto deadline = steady_clock::now() + 5ms;
  while (changed.wait_until(mutex, deadline)) {
  }
  EXPECT_GE(steady_clock::now(), deadline);
}

}  // namespace
}  // namespace patient_http::base
