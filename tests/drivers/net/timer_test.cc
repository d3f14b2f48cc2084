#include "drivers/net/timer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

namespace patient_http::net {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{};

TEST(TimerTest, CallsWhatIsDueEarliestFirst) {
  TimerQueue queue;
  std::string called;
  Timer a([&] { called += 'a'; });
  Timer b([&] { called += 'b'; });
  Timer c([&] { called += 'c'; });
  queue.set(a, kStart + 3s);
  queue.set(b, kStart + 1s);
  queue.set(c, kStart + 2s);
  EXPECT_EQ(queue.earliest(), kStart + 1s);

  queue.run_due(kStart + 2s);

  EXPECT_EQ(called, "bc");
  EXPECT_TRUE(a.is_set());
  EXPECT_FALSE(b.is_set());
  EXPECT_EQ(a.deadline(), kStart + 3s);
}

TEST(TimerTest, CallsEachOnce) {
  TimerQueue queue;
  int calls = 0;
  Timer timer([&] { ++calls; });
  queue.set(timer, kStart);
  queue.run_due(kStart);
  queue.run_due(kStart + 1h);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(queue.empty());
}

TEST(TimerTest, MovesWhenItIsSetAgain) {
  TimerQueue queue;
  std::string called;
  Timer a([&] { called += 'a'; });
  Timer b([&] { called += 'b'; });
  queue.set(a, kStart + 1s);
  queue.set(b, kStart + 2s);
  queue.set(a, kStart + 3s);
  queue.run_due(kStart + 2s);
  EXPECT_EQ(called, "b");
  queue.set(a, kStart + 1s);
  queue.run_due(kStart + 2s);
  EXPECT_EQ(called, "ba");
}

TEST(TimerTest, IsNotCalledOnceCancelledOrDestroyed) {
  TimerQueue queue;
  int calls = 0;
  Timer cancelled([&] { ++calls; });
  auto destroyed = std::make_unique<Timer>([&] { ++calls; });
  queue.set(cancelled, kStart);
  queue.set(*destroyed, kStart);
  queue.cancel(cancelled);
  queue.cancel(cancelled);
  destroyed.reset();
  EXPECT_TRUE(queue.empty());
  queue.run_due(kStart + 1s);
  EXPECT_EQ(calls, 0);
}

TEST(TimerTest, MayChangeAnyTimerWhileItIsCalled) {
  TimerQueue queue;
  std::string called;
  Timer other([&] { called += 'o'; });
  std::unique_ptr<Timer> victim = std::make_unique<Timer>([&] { called += 'v'; });
  std::unique_ptr<Timer> self;
  self = std::make_unique<Timer>([&] {
    called += 's';
    victim.reset();
    queue.set(other, kStart + 1s);
    self.reset();
  });
  queue.set(*self, kStart);
  queue.set(*victim, kStart);
  queue.set(other, kStart);

  queue.run_due(kStart);

  EXPECT_EQ(called, "s");
  queue.run_due(kStart + 1s);
  EXPECT_EQ(called, "so");
}

TEST(TimerTest, DoesNotRunForEverWhenACallSetsItselfForNow) {
  TimerQueue queue;
  int calls = 0;
  Timer timer([] {});
  Timer again([&] {
    ++calls;
    queue.set(timer, kStart);
    queue.set(again, kStart);
  });
  queue.set(again, kStart);
  queue.run_due(kStart);
  EXPECT_EQ(calls, 1);
}

TEST(TimerTest, KeepsOrderThroughThousandsOfChanges) {
  TimerQueue queue;
  std::minstd_rand random(7);
  std::vector<TimePoint> called;
  TimePoint now = kStart;
  std::vector<std::unique_ptr<Timer>> timers;
  for (std::size_t i = 0; i < 2000; ++i) {
    timers.push_back(std::make_unique<Timer>([&, i] { called.push_back(timers[i]->deadline()); }));
  }
  std::size_t set = 0;
  for (int round = 0; round < 20'000; ++round) {
    Timer& timer = *timers[random() % timers.size()];
    if (random() % 4 == 0) {
      set -= timer.is_set() ? 1U : 0U;
      queue.cancel(timer);
    } else {
      set += timer.is_set() ? 0U : 1U;
      queue.set(timer, kStart + std::chrono::milliseconds(random() % 10'000));
    }
  }
  while (!queue.empty()) {
    now = queue.earliest();
    queue.run_due(now);
  }
  EXPECT_EQ(called.size(), set);
  EXPECT_TRUE(std::is_sorted(called.begin(), called.end()));
}

TEST(TimerTest, OutlivesItsQueueUnset) {
  auto queue = std::make_unique<TimerQueue>();
  Timer timer([] {});
  queue->set(timer, kStart);
  queue.reset();
  EXPECT_FALSE(timer.is_set());
}

}  // namespace
}  // namespace patient_http::net
