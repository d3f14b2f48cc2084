// The memory for bodies, and what the reactor does when it is spent.

#include "engine/reactor.h"

#include <gtest/gtest.h>

#include "drivers/codec/gzip.h"
#include "engine/options_check.h"
#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http::engine {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::make_task;
using test::ReceivedRequest;
using test::RecordingTaskHandler;
using test::ServerConnection;
using test::TestHttpServer;

constexpr std::size_t kMegabyte = std::size_t{1} << 20;
// What one read may bring beyond the budget.
constexpr std::size_t kRead = 64 * 1024;

// A reactor that the test turns itself. Settlements are kept, and with them the memory of their
// bodies, or dropped at once as a fast handler would.
class TurnedReactor final : public ReactorListener {
 public:
  explicit TurnedReactor(ProcessorOptions options, bool keeps)
      : options_(std::move(options)), keeps_(keeps) {
    slots_.open();
  }

  // Charges must not outlive the budget.
  ~TurnedReactor() override { kept.clear(); }

  void on_transfer_started(const RequestTask&) override {}
  void on_settlements(std::vector<Settlement>&& given) override {
    std::vector<Settlement> settlements = std::move(given);
    peak = std::max(peak, reactor.budget().used());
    for (Settlement& settlement : settlements) {
      outcomes[settlement.settled.task->id()] = word_for(settlement.settled.outcome);
      if (keeps_) kept.push_back(std::move(settlement));
    }
    slots_.give_back(settlements.size());
  }

  void start(std::unique_ptr<RequestTask> task) {
    ASSERT_EQ(slots_.try_take(), Slots::Taken::kYes);
    reactor.enqueue(std::move(task));
  }
  // Turns until `done`, or for a long time.
  bool turn_until(const std::function<bool()>& done) {
    const auto latest = std::chrono::steady_clock::now() + 60s;
    while (!done() && std::chrono::steady_clock::now() < latest) {
      reactor.turn();
      ++turns;
      peak = std::max(peak, reactor.budget().used());
    }
    return done();
  }
  bool turn_until_settled(const std::string& id) {
    return turn_until([&] { return outcomes.contains(id); });
  }

  std::map<std::string, std::string> outcomes;  // by id: the size of the body, or the error
  std::vector<Settlement> kept;
  std::size_t peak = 0;  // of the budget
  int turns = 0;

 private:
  static std::string word_for(const Outcome& outcome) {
    if (const auto* response = std::get_if<Response>(&outcome)) {
      return std::to_string(response->body().value_or("").size());
    }
    const auto* error = std::get_if<Error>(&outcome);
    return error != nullptr ? std::string(to_string(error->kind())) : "interrupted";
  }

  ProcessorOptions options_;
  bool keeps_;
  net::TlsContext tls_ = make_tls_context(options_);
  Slots slots_{options_.max_connections, [this] { reactor.wake(); }};

 public:
  Reactor reactor{options_, tls_, slots_, *this};
};

class ReactorTest : public testing::Test {
 protected:
  // "/whole" sends a megabyte; "/part" half of it, and the rest, or a reset, after release().
  void SetUp() override {
    server_.answer("/whole", 200, std::string(kMegabyte, 'w'));
    server_.on("/part", [this](const ReceivedRequest&, ServerConnection& peer) {
      peer.send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(kMegabyte) + "\r\n\r\n" +
                std::string(kMegabyte / 2, 'p'));
      server_.wait_for_release();
      peer.send(std::string(kMegabyte / 2, 'p'));
    });
    server_.on("/reset", [this](const ReceivedRequest&, ServerConnection& peer) {
      peer.send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(kMegabyte) + "\r\n\r\n" +
                std::string(kMegabyte / 2, 'r'));
      server_.wait_for_release();
      peer.reset();
    });
    server_.hang("/hang");
  }

  // With a settled body that keeps the whole budget, so that whoever receives is paused.
  void spend(TurnedReactor& turned) {
    turned.start(get(server_.url("/whole"), handler_, "spender"));
    ASSERT_TRUE(turned.turn_until_settled("spender"));
    ASSERT_TRUE(turned.reactor.budget().is_spent());
  }
  // Lets time pass, and gives how often the reactor turned meanwhile.
  int turns_in(TurnedReactor& turned, double seconds) {
    const int before = turned.turns;
    const std::string id = "clock" + std::to_string(before);
    turned.start(make_task({.url = server_.url("/hang"), .timeout = Seconds{seconds}}, handler_,
                           {.id = id}));
    EXPECT_TRUE(turned.turn_until_settled(id));
    return turned.turns - before;
  }

  ProcessorOptions options() {
    return {.max_connections = 100, .max_response_size = 2 * kMegabyte, .body_memory = kMegabyte};
  }

  std::atomic<int> waiting_{0};  // requests that the server holds
  TestHttpServer server_;
  RecordingTaskHandler handler_;
};

TEST_F(ReactorTest, CompletesManyResponsesThatAreTogetherLargerThanTheMemory) {
  constexpr std::size_t kResponses = 60;
  server_.on("/together", [&](const ReceivedRequest&, ServerConnection& peer) {
    if (++waiting_ == kResponses) server_.release();
    server_.wait_for_release();
    peer.send(TestHttpServer::response(200, std::string(kMegabyte, 'x')));
  });
  TurnedReactor turned(options(), false);
  for (std::size_t i = 0; i < kResponses; ++i) {
    turned.start(get(server_.url("/together"), handler_, std::to_string(i)));
  }

  ASSERT_TRUE(turned.turn_until([&] { return turned.outcomes.size() == kResponses; }));

  for (const auto& [id, outcome] : turned.outcomes) EXPECT_EQ(outcome, "1048576") << id;
  // The budget, the one that overdraws, and the first read of each.
  EXPECT_LT(turned.peak, kMegabyte + kMegabyte + kResponses * kRead);
  EXPECT_EQ(turned.reactor.budget().used(), 0U);
}

TEST_F(ReactorTest, TakesWhatCameWhileItWasBusyWithEarlierCommands) {
  // Commands that did not fit into a turn's share used up the wake-up of one that came meanwhile,
  // and the reactor slept, for up to a minute, on a task in its inbox.
  TurnedReactor turned(options(), false);
  for (int i = 0; i < 1'000'000; ++i) turned.reactor.cancel("nobody");
  turned.reactor.turn();
  turned.start(get(server_.url("/"), handler_, "late"));
  const auto began = std::chrono::steady_clock::now();

  ASSERT_TRUE(turned.turn_until_settled("late"));

  EXPECT_LT(std::chrono::steady_clock::now() - began, 30s);
}

TEST_F(ReactorTest, LetsOthersReadWhenServersThatSpentTheMemoryFallSilent) {
  // Stalled responses held all of the budget, and the one that might overdraw was one of them:
  // their neighbours timed out.
  TurnedReactor turned(options(), false);
  for (const char* id : {"stalled 1", "stalled 2", "stalled 3"}) {
    turned.start(get(server_.url("/part"), handler_, id));
  }
  ASSERT_TRUE(turned.turn_until([&] { return turned.reactor.budget().is_spent(); }));
  for (const char* id : {"healthy 1", "healthy 2"}) {
    turned.start(get(server_.url("/whole"), handler_, id));
  }

  EXPECT_TRUE(turned.turn_until_settled("healthy 1"));
  EXPECT_TRUE(turned.turn_until_settled("healthy 2"));
  EXPECT_EQ(turned.outcomes.size(), 2U);
}

TEST_F(ReactorTest, WaitsForHandlersThatHoldTheMemory) {
  // One after the other was let through beyond the budget, as soon as the one before was complete:
  // with slow handlers, memory grew without bounds.
  constexpr std::size_t kResponses = 20;
  TurnedReactor turned(options(), true);
  spend(turned);
  for (std::size_t i = 0; i < kResponses; ++i) {
    turned.start(get(server_.url("/whole"), handler_, std::to_string(i)));
  }
  turns_in(turned, 0.3);
  EXPECT_EQ(turned.kept.size(), 2U) << "the spender, and the clock";
  EXPECT_LT(turned.peak, kMegabyte + kResponses * kRead);

  // Handlers return, one at a time.
  ASSERT_TRUE(turned.turn_until([&] {
    turned.kept.clear();
    return turned.outcomes.size() == kResponses + 2;
  }));
  EXPECT_LT(turned.peak, kMegabyte + kMegabyte + kResponses * kRead);
}

TEST_F(ReactorTest, ReadsOnWhenAHandlerReturnsOnAnotherThread) {
  TurnedReactor turned(options(), true);
  spend(turned);
  turned.start(get(server_.url("/whole"), handler_, "paused"));
  turns_in(turned, 0.1);
  ASSERT_FALSE(turned.outcomes.contains("paused"));
  std::thread handler([kept = std::move(turned.kept)]() mutable { kept.clear(); });
  EXPECT_TRUE(turned.turn_until_settled("paused"));
  handler.join();
  EXPECT_EQ(turned.outcomes["paused"], "1048576");
}

TEST_F(ReactorTest, EndsAPausedTransferWhosePeerResetsIt) {
  TurnedReactor turned(options(), true);
  spend(turned);
  turned.start(get(server_.url("/reset"), handler_, "paused"));
  EXPECT_LT(turns_in(turned, 0.2), 100);
  ASSERT_FALSE(turned.outcomes.contains("paused"));
  const int before = turned.turns;

  server_.release();

  ASSERT_TRUE(turned.turn_until_settled("paused"));
  EXPECT_EQ(turned.outcomes["paused"], "reset");
  EXPECT_LT(turned.turns - before, 100);
}

TEST_F(ReactorTest, SleepsWhileReadingIsPausedEvenIfThePeerClosed) {
  server_.answer_raw("/closed", "HTTP/1.1 200 OK\r\n\r\n" + std::string(kMegabyte / 2, 'c'));
  TurnedReactor turned(options(), true);
  spend(turned);
  turned.start(get(server_.url("/closed"), handler_, "paused"));
  turns_in(turned, 0.1);
  EXPECT_LT(turns_in(turned, 0.3), 100);
  EXPECT_FALSE(turned.outcomes.contains("paused"));
  turned.kept.clear();
  ASSERT_TRUE(turned.turn_until_settled("paused"));
  EXPECT_EQ(turned.outcomes["paused"], "524288");
}

TEST_F(ReactorTest, CountsItsOwnPauseNotAsSilenceOfThePeer) {
  // The idle timeout went on while we did not read: responses failed for want of our memory.
  ProcessorOptions with_idle_timeout = options();
  with_idle_timeout.idle_timeout = Seconds{0.2};
  TurnedReactor turned(with_idle_timeout, true);
  spend(turned);
  turned.start(get(server_.url("/whole"), handler_, "paused"));
  turns_in(turned, 0.6);
  ASSERT_FALSE(turned.outcomes.contains("paused")) << turned.outcomes["paused"];

  turned.kept.clear();

  ASSERT_TRUE(turned.turn_until_settled("paused"));
  EXPECT_EQ(turned.outcomes["paused"], "1048576");
}

TEST_F(ReactorTest, CountsSilenceOfThePeerAfterAPause) {
  ProcessorOptions with_idle_timeout = options();
  with_idle_timeout.idle_timeout = Seconds{0.2};
  TurnedReactor turned(with_idle_timeout, true);
  spend(turned);
  turned.start(get(server_.url("/part"), handler_, "paused"));
  turns_in(turned, 0.1);
  ASSERT_FALSE(turned.outcomes.contains("paused")) << turned.outcomes["paused"];
  turned.kept.clear();
  ASSERT_TRUE(turned.turn_until_settled("paused"));
  EXPECT_EQ(turned.outcomes["paused"], "idle_timeout");
}

TEST_F(ReactorTest, CountsItsOwnPauseNotAsASlowPeer) {
  ProcessorOptions with_throughput = options();
  with_throughput.min_throughput = 10'000;
  with_throughput.min_throughput_time = Seconds{0.2};
  TurnedReactor turned(with_throughput, true);
  spend(turned);
  turned.start(get(server_.url("/whole"), handler_, "paused"));
  turned.start(get(server_.url("/part"), handler_, "paused and then silent"));
  turns_in(turned, 0.6);
  ASSERT_FALSE(turned.outcomes.contains("paused")) << turned.outcomes["paused"];

  turned.kept.clear();

  ASSERT_TRUE(turned.turn_until_settled("paused"));
  EXPECT_EQ(turned.outcomes["paused"], "1048576");
  turned.kept.clear();
  ASSERT_TRUE(turned.turn_until_settled("paused and then silent"));
  EXPECT_EQ(turned.outcomes["paused and then silent"], "throughput_timeout");
}

TEST_F(ReactorTest, LetsOthersReadWhenTheOneThatOverdrawsEnds) {
  // The first of them spends the budget and then says no more until its time is up.
  ProcessorOptions small = options();
  small.body_memory = kMegabyte / 4;
  TurnedReactor turned(small, false);
  turned.start(make_task({.url = server_.url("/part"), .timeout = Seconds{0.5}}, handler_,
                         {.id = "silent"}));
  ASSERT_TRUE(turned.turn_until([&] { return turned.reactor.budget().used() == kMegabyte / 2; }));
  for (int i = 0; i < 5; ++i) {
    turned.start(get(server_.url("/whole"), handler_, std::to_string(i)));
  }
  ASSERT_TRUE(turned.turn_until([&] { return turned.outcomes.size() == 6; }));
  EXPECT_EQ(turned.outcomes["silent"], "total_timeout");
  EXPECT_EQ(turned.outcomes["4"], "1048576");
}

TEST_F(ReactorTest, ForgetsThePauseOfAnAttemptThatBroke) {
  // It was listed once for each attempt, and stood there still after its end.
  server_.on("/breaks-once", [this](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(kMegabyte) + "\r\n\r\n" +
              std::string(kMegabyte / 2, 'b'));
    if (++waiting_ == 1) return peer.reset();
    peer.send(std::string(kMegabyte / 2, 'b'));
  });
  ProcessorOptions small = options();
  small.body_memory = kMegabyte / 4;
  small.retry_delay = Seconds{0.001};
  TurnedReactor turned(small, false);
  turned.start(
      make_task({.url = server_.url("/part"), .timeout = Seconds{3}}, handler_, {.id = "silent"}));
  ASSERT_TRUE(turned.turn_until([&] { return turned.reactor.budget().used() == kMegabyte / 2; }));
  turned.start(get(server_.url("/breaks-once"), handler_, "paused"));

  // When the silent one has used up the patience, while there is no room for both.
  ASSERT_TRUE(turned.turn_until_settled("paused"));
  EXPECT_EQ(turned.outcomes["paused"], "1048576");
  EXPECT_FALSE(turned.outcomes.contains("silent"));
  ASSERT_TRUE(turned.turn_until_settled("silent"));
}

TEST_F(ReactorTest, EndsABombAtTheLimitInLittleMemory) {
  // A megabyte that inflates to more than a gigabyte.
  const std::string member = codec::gzip(std::string(16 * kMegabyte, 'b'));
  std::string bomb;
  while (bomb.size() < kMegabyte) bomb += member;
  ASSERT_GT(bomb.size() / member.size() * 16 * kMegabyte, std::size_t{1} << 30);
  server_.answer("/bomb", 200, bomb, "content-encoding: gzip\r\n");
  TurnedReactor turned(options(), true);
  turned.start(get(server_.url("/bomb"), handler_, "bomb"));
  ASSERT_TRUE(turned.turn_until_settled("bomb"));
  EXPECT_EQ(turned.outcomes["bomb"], "response_too_large");
  EXPECT_LE(turned.peak, 2 * kMegabyte);
}

TEST_F(ReactorTest, InterruptsWhatIsPaused) {
  TurnedReactor turned(options(), true);
  spend(turned);
  turned.start(get(server_.url("/whole"), handler_, "paused"));
  turns_in(turned, 0.1);
  turned.reactor.interrupt_all();
  ASSERT_TRUE(turned.turn_until_settled("paused"));
  EXPECT_EQ(turned.outcomes["paused"], "interrupted");
  EXPECT_FALSE(turned.reactor.has_transfers());
  turned.start(get(server_.url("/whole"), handler_, "late"));
  ASSERT_TRUE(turned.turn_until_settled("late"));
  EXPECT_EQ(turned.outcomes["late"], "interrupted");
}

TEST_F(ReactorTest, StartsThousandsOverSeveralTurns) {
  ProcessorOptions many = options();
  many.max_connections = 5000;
  many.retries = 0;
  TurnedReactor turned(many, false);
  for (int i = 0; i < 5000; ++i) {
    turned.start(get("http://127.0.0.1:1/", handler_, std::to_string(i)));
  }
  ASSERT_TRUE(turned.turn_until([&] { return turned.outcomes.size() == 5000; }));
  EXPECT_EQ(turned.outcomes["4999"], "refused");
  EXPECT_GT(turned.turns, 3);
}

}  // namespace
}  // namespace patient_http::engine
