#include "drivers/net/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <thread>

namespace patient_http::net {
namespace {

using namespace std::chrono_literals;

// Two connected sockets.
struct SocketPair {
  SocketPair() {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0) {
      throw std::runtime_error("socketpair");
    }
    ours = Fd(fds[0]);
    theirs = Fd(fds[1]);
  }
  void send() const { ASSERT_EQ(::write(theirs.get(), "x", 1), 1); }

  Fd ours;
  Fd theirs;
};

class Recorder final : public ReadyHandler {
 public:
  void on_ready(Interest ready) override {
    calls.push_back(ready);
    if (then) then();
  }

  std::vector<Interest> calls;
  std::function<void()> then;
};

constexpr Interest kRead{true, false};
constexpr Interest kWrite{false, true};
constexpr Interest kNothing{false, false};

TimePoint soon() {
  return std::chrono::steady_clock::now();
}

TEST(EventLoopTest, ReportsWhatADescriptorIsReadyFor) {
  EventLoop loop;
  SocketPair pair;
  Recorder handler;
  Watch watch = loop.watch(pair.ours.get(), kRead, handler);
  loop.turn(soon());
  EXPECT_TRUE(handler.calls.empty());

  pair.send();
  loop.turn(soon());
  loop.turn(soon());  // still unread

  EXPECT_EQ(handler.calls, (std::vector<Interest>{kRead, kRead}));
  watch.set(kWrite);
  loop.turn(soon());
  EXPECT_EQ(handler.calls.back(), kWrite);
  watch.set(kNothing);
  loop.turn(soon());
  EXPECT_EQ(handler.calls.size(), 3U);
}

TEST(EventLoopTest, ReportsABrokenConnectionWhateverIsWatchedFor) {
  EventLoop loop;
  SocketPair pair;
  Recorder handler;
  Watch watch = loop.watch(pair.ours.get(), kNothing, handler);
  pair.theirs.reset();
  loop.turn(soon());
  EXPECT_EQ(handler.calls, (std::vector<Interest>{{true, true}}));
}

TEST(EventLoopTest, EndsItsWaitWhenItIsWoken) {
  EventLoop loop;
  const auto began = std::chrono::steady_clock::now();
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop.wake();
  });
  loop.turn(began + 60s);
  other.join();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 30s);
}

TEST(EventLoopTest, RemembersAWakeThatCameBeforeTheWait) {
  EventLoop loop;
  loop.wake();
  const auto began = std::chrono::steady_clock::now();
  loop.turn(began + 60s);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 30s);
}

TEST(EventLoopTest, RunsTimersInTimeAndNotBefore) {
  EventLoop loop;
  TimePoint called{};
  Timer timer([&] { called = std::chrono::steady_clock::now(); });
  const TimePoint due = std::chrono::steady_clock::now() + 20ms;
  loop.timers().set(timer, due);
  while (timer.is_set()) loop.turn(due + 60s);
  EXPECT_GE(called, due);
  EXPECT_LT(called, due + 30s);
  EXPECT_GE(loop.now(), due);
}

TEST(EventLoopTest, GivesReadinessToTheHandlerThatAWatchWasHandedTo) {
  EventLoop loop;
  SocketPair pair;
  Recorder first;
  Recorder second;
  Watch watch = loop.watch(pair.ours.get(), kRead, first);
  watch.hand_to(second);
  pair.send();
  loop.turn(soon());
  EXPECT_TRUE(first.calls.empty());
  EXPECT_EQ(second.calls.size(), 1U);
}

TEST(EventLoopTest, CallsNoHandlerThatAnotherUnwatchedInTheSameTurn) {
  EventLoop loop;
  SocketPair a;
  SocketPair b;
  auto one = std::make_unique<Recorder>();
  auto two = std::make_unique<Recorder>();
  int calls = 0;
  Watch watch_one = loop.watch(a.ours.get(), kRead, *one);
  Watch watch_two = loop.watch(b.ours.get(), kRead, *two);
  // Whichever is called first ends the other.
  one->then = [&] {
    ++calls;
    watch_two.reset();
    two.reset();
  };
  two->then = [&] {
    ++calls;
    watch_one.reset();
    one.reset();
  };
  a.send();
  b.send();

  loop.turn(soon());

  EXPECT_EQ(calls, 1);
}

TEST(EventLoopTest, MistakesNoOldEventForOneOfTheNextUserOfItsPlace) {
  EventLoop loop;
  SocketPair a;
  SocketPair b;
  SocketPair quiet;
  Recorder one;
  Recorder two;
  Recorder newcomer;
  Watch watch_one = loop.watch(a.ours.get(), kRead, one);
  Watch watch_two = loop.watch(b.ours.get(), kRead, two);
  // The first one called gives the other's place to a socket that is not ready.
  one.then = [&] {
    watch_two.reset();
    watch_two = loop.watch(quiet.ours.get(), kRead, newcomer);
  };
  two.then = [&] {
    watch_one.reset();
    watch_one = loop.watch(quiet.ours.get(), kRead, newcomer);
  };
  a.send();
  b.send();

  loop.turn(soon());

  EXPECT_EQ(one.calls.size() + two.calls.size(), 1U);
  EXPECT_TRUE(newcomer.calls.empty());
  one.then = two.then = nullptr;
  quiet.send();
  loop.turn(soon());
  EXPECT_EQ(newcomer.calls.size(), 1U);
}

TEST(EventLoopTest, ServesMoreDescriptorsThanFitIntoATurn) {
  EventLoop loop;
  constexpr std::size_t kPairs = 200;
  std::vector<SocketPair> pairs(kPairs);
  std::vector<Recorder> handlers(kPairs);
  std::vector<Watch> watches;
  for (std::size_t i = 0; i < kPairs; ++i) {
    watches.push_back(loop.watch(pairs[i].ours.get(), kRead, handlers[i]));
    handlers[i].then = [&watches, i] { watches[i].reset(); };
    pairs[i].send();
  }
  for (int turn = 0; turn < 10; ++turn) loop.turn(soon());
  for (const Recorder& handler : handlers) EXPECT_EQ(handler.calls.size(), 1U);
}

TEST(EventLoopTest, SaysThatTheKernelRefusedADescriptor) {
  EventLoop loop;
  Recorder handler;
  EXPECT_THROW(static_cast<void>(loop.watch(-1, kRead, handler)), std::system_error);
  SocketPair pair;
  Watch watch = loop.watch(pair.ours.get(), kRead, handler);
  pair.send();
  loop.turn(soon());
  EXPECT_EQ(handler.calls.size(), 1U);
}

TEST(EventLoopTest, MovesItsWatches) {
  EventLoop loop;
  SocketPair pair;
  Recorder handler;
  Watch first = loop.watch(pair.ours.get(), kRead, handler);
  Watch second(std::move(first));
  pair.send();
  loop.turn(soon());
  EXPECT_EQ(handler.calls.size(), 1U);
  second = Watch();
  EXPECT_FALSE(static_cast<bool>(second));
  loop.turn(soon());
  EXPECT_EQ(handler.calls.size(), 1U);
}

}  // namespace
}  // namespace patient_http::net
