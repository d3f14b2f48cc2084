#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::RecordingTaskHandler;
using test::TestHttpServer;

TEST(ProcessorShutdownTest, RetriesTaskStillInFlightAtDeadline) {
  TestHttpServer server;
  server.hang("/hang");
  RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{.max_connections = 2});
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler, "slow")).has_value());
  ASSERT_TRUE(server.wait_for_requests("/hang"));

  processor.stop(50ms);

  const auto outcomes = handler.wait_for(1);
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_TRUE(outcomes[0].is_retry());
  EXPECT_EQ(processor.state(), ProcessorState::kStopped);
}

TEST(ProcessorShutdownTest, DeliversWhatFinishesBeforeTheDeadline) {
  TestHttpServer server;
  server.on("/slow", [&server](const auto&, test::ServerConnection& peer) {
    server.wait_for_release();
    peer.send(TestHttpServer::response(200, "late"));
  });
  RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{});
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/slow"), handler)).has_value());
  ASSERT_TRUE(server.wait_for_requests("/slow"));

  std::thread stopper([&] { processor.stop(60s); });
  while (processor.state() != ProcessorState::kStopping) std::this_thread::yield();
  EXPECT_FALSE(processor.enqueue(get(server.url("/"), handler)).has_value());
  server.release();
  stopper.join();

  const auto outcomes = handler.wait_for(1);
  ASSERT_EQ(outcomes.size(), 1U);
  ASSERT_TRUE(outcomes[0].response.has_value());
  EXPECT_EQ(outcomes[0].response->body(), "late");
}

TEST(ProcessorShutdownTest, RetriesParkedAndUnstartedTasksToo) {
  TestHttpServer server;
  server.hang("/hang");
  RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{
      .max_connections = 50, .retry_delay = Seconds{300}, .longest_retry_delay = Seconds{300}});
  processor.start();
  ASSERT_TRUE(processor.enqueue(get("http://127.0.0.1:1/", handler, "parked")).has_value());
  while (processor.status().parked == 0) std::this_thread::yield();
  for (int i = 0; i < 49; ++i)
    ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler)).has_value());

  processor.stop(0ms);

  const auto outcomes = handler.wait_for(50);
  ASSERT_EQ(outcomes.size(), 50U);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.is_retry()) << outcome.id;
}

TEST(ProcessorShutdownTest, WaitsNoLongerThanItMay) {
  TestHttpServer server;
  server.hang("/hang");
  RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{});
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler)).has_value());
  ASSERT_TRUE(server.wait_for_requests("/hang"));
  const auto began = std::chrono::steady_clock::now();

  processor.stop(200ms);

  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, 200ms);
  EXPECT_LT(took, 10s);
}

TEST(ProcessorShutdownTest, LogsARetryThatFailsAndGoesOnWithTheRest) {
  class Failing final : public TaskHandler {
   public:
    void on_complete(std::unique_ptr<RequestTask>, Response) override {}
    void on_error(std::unique_ptr<RequestTask>, Error) override {}
    void retry(std::unique_ptr<RequestTask> task) override {
      ++calls;
      if (task->id() == "1") throw std::runtime_error("the store is down");
    }
    std::atomic<int> calls{0};
  };
  TestHttpServer server;
  server.hang("/hang");
  Failing handler;
  std::atomic<int> logged{0};
  ProcessorOptions options;
  options.log = Log([&](LogLevel, std::string_view message) {
    if (message.ends_with("the store is down")) ++logged;
  });
  Processor processor(options);
  processor.start();
  for (const char* id : {"0", "1", "2"})
    ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler, id)).has_value());
  ASSERT_TRUE(server.wait_for_requests("/hang", 3));

  processor.stop(0ms);

  EXPECT_EQ(handler.calls, 3);
  EXPECT_EQ(logged, 1);
}

TEST(ProcessorShutdownTest, RefusesToStopFromAHandler) {
  class StoppingHandler final : public TaskHandler {
   public:
    explicit StoppingHandler(Processor& processor) : processor_(processor) {}
    void on_complete(std::unique_ptr<RequestTask>, Response) override {
      EXPECT_THROW(processor_.stop(0ms), std::logic_error);
    }
    void on_error(std::unique_ptr<RequestTask>, Error) override {}
    void retry(std::unique_ptr<RequestTask>) override {}

   private:
    Processor& processor_;
  };
  TestHttpServer server;
  Processor processor(ProcessorOptions{});
  StoppingHandler handler(processor);
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler)).has_value());
  EXPECT_TRUE(processor.wait_until_idle(20s));
  EXPECT_EQ(processor.state(), ProcessorState::kRunning);
}

TEST(ProcessorShutdownTest, SettlesEveryTaskWhenEnqueueRacesWithStop) {
  TestHttpServer server;
  RecordingTaskHandler handler;
  std::size_t accepted = 0;
  for (int round = 0; round < 20; ++round) {
    Processor processor(ProcessorOptions{.max_connections = 1000});
    processor.start();
    std::thread producer([&] {
      while (processor.enqueue(get(server.url("/"), handler)).has_value()) ++accepted;
    });
    ASSERT_TRUE(server.wait_for_requests("/", static_cast<std::size_t>(round) + 1));
    processor.stop(0ms);
    producer.join();
  }
  EXPECT_EQ(handler.wait_for(accepted).size(), accepted);
}

TEST(ProcessorShutdownTest, CanBeStartedAndStoppedFromSeveralThreads) {
  Processor processor(ProcessorOptions{});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&processor] {
      for (int round = 0; round < 50; ++round) {
        processor.start();
        processor.stop(0ms);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  processor.start();
  EXPECT_EQ(processor.state(), ProcessorState::kRunning);
}

}  // namespace
}  // namespace patient_http
