// The threads for the user's functions, alone and in a processor.

#include "engine/preparer_threads.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "engine/preprocessor_registry.h"
#include "patient_http/inline_executor.h"
#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::make_task;
using test::RecordedOutcome;
using test::RecordingTaskHandler;
using test::TestHttpServer;

// A gate that functions wait at.
class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_; });
  }
  void wait_for_arrivals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }
  int arrived() {
    std::lock_guard lock(mutex_);
    return arrived_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool is_open_ = false;
};

// A log that can be waited for.
class Lines {
 public:
  Log log() {
    return Log([this](LogLevel, std::string_view line) {
      std::lock_guard lock(mutex_);
      text_.append(line).append("\n");
      changed_.notify_all();
    });
  }
  std::string text() {
    std::lock_guard lock(mutex_);
    return text_;
  }
  std::string wait_for_text() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !text_.empty(); });
    return text_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

class PreparerThreadsTest : public testing::Test {
 protected:
  engine::Preparation preparation(std::vector<std::string> preprocessors) {
    Request request =
        Request::create({.url = "http://h/", .preprocessors = std::move(preprocessors)}).value();
    auto ingredients = preparer_.look_up(request).value();
    return {std::move(request), {"id"}, std::move(ingredients)};
  }
  void make(std::size_t threads, std::chrono::steady_clock::duration slow_call = 1h) {
    threads_.emplace(engine::PreparerThreadsOptions{threads, slow_call}, preparer_, lines_.log(),
                     [this](auto ticket, const auto& prepared) {
                       std::lock_guard lock(mutex_);
                       results_.emplace_back(ticket, prepared.has_value());
                       changed_.notify_all();
                     });
  }
  std::deque<std::pair<std::uint64_t, bool>> wait_for_results(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return results_.size() >= count; });
    return results_;
  }

  Gate gate_;
  Lines lines_;
  Preprocessors preprocessors_;
  const engine::RequestPreparer preparer_{"", {}, preprocessors_};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<std::uint64_t, bool>> results_;
  std::optional<engine::PreparerThreads> threads_;
};

TEST_F(PreparerThreadsTest, PrepareOnTheirOwnThreadsInOrder) {
  preprocessors_.register_preprocessor("look", [](OutgoingRequest& request) {
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    EXPECT_STREQ(name.data(), "ph-prepare");
    EXPECT_TRUE(engine::PreparerThreads::is_preparer_thread());
    request.set_header("x", "y");
  });
  make(1);
  for (std::uint64_t i = 1; i <= 20; ++i) EXPECT_EQ(threads_->add(preparation({"look"})), i);
  const auto results = wait_for_results(20);
  for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(results[i], std::pair(i + 1, true));
  EXPECT_FALSE(engine::PreparerThreads::is_preparer_thread());
}

TEST_F(PreparerThreadsTest, RunAsManyAtOnceAsThereAreThreads) {
  preprocessors_.register_preprocessor("wait", [this](OutgoingRequest&) { gate_.pass(); });
  make(3);
  for (int i = 0; i < 5; ++i) static_cast<void>(threads_->add(preparation({"wait"})));
  gate_.wait_for_arrivals(3);
  EXPECT_EQ(gate_.arrived(), 3);
  gate_.open();
  EXPECT_EQ(wait_for_results(5).size(), 5U);
}

TEST_F(PreparerThreadsTest, BeginNothingThatWasDropped) {
  int runs = 0;
  preprocessors_.register_preprocessor("wait", [this](OutgoingRequest&) { gate_.pass(); });
  preprocessors_.register_preprocessor("count", [&](OutgoingRequest&) { ++runs; });
  make(1);
  const auto first = threads_->add(preparation({"wait", "count"}));
  const auto second = threads_->add(preparation({"count"}));
  gate_.wait_for_arrivals(1);
  threads_->drop(second);
  threads_->drop(first);
  const auto third = threads_->add(preparation({"count"}));
  gate_.open();
  EXPECT_EQ(wait_for_results(1).front().first, third);
  threads_->stop();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(results_.size(), 1U);
}

TEST_F(PreparerThreadsTest, StopDropsEverythingAndMayStartAgain) {
  int runs = 0;
  preprocessors_.register_preprocessor("wait", [this](OutgoingRequest&) { gate_.pass(); });
  preprocessors_.register_preprocessor("count", [&](OutgoingRequest&) { ++runs; });
  make(1);
  static_cast<void>(threads_->add(preparation({"wait"})));
  static_cast<void>(threads_->add(preparation({"count"})));
  gate_.wait_for_arrivals(1);
  // The one that waits is the last owner of its function.
  const std::weak_ptr<const Preprocessor> waiting = preprocessors_.registry().find("count");
  preprocessors_.register_preprocessor("count", [](OutgoingRequest&) {});
  std::thread opener([&] {
    while (!waiting.expired()) std::this_thread::yield();
    gate_.open();
  });
  threads_->stop();
  opener.join();
  EXPECT_EQ(runs, 0);
  EXPECT_TRUE(results_.empty());
  const auto next = threads_->add(preparation({"count"}));
  EXPECT_EQ(wait_for_results(1).back().first, next);
}

TEST_F(PreparerThreadsTest, NoteSlowFunctionsByNameAndDuration) {
  preprocessors_.register_preprocessor("slow", [](OutgoingRequest&) {});
  make(1, -1ns);
  static_cast<void>(threads_->add(preparation({"slow"})));
  wait_for_results(1);
  EXPECT_EQ(lines_.text(), "the preprocessor \"slow\" took 0.0 s\n");
}

TEST_F(PreparerThreadsTest, SayNothingOfQuickOnes) {
  preprocessors_.register_preprocessor("quick", [](OutgoingRequest&) {});
  make(1);
  static_cast<void>(threads_->add(preparation({"quick"})));
  wait_for_results(1);
  EXPECT_EQ(lines_.text(), "");
}

// A processor, and functions that wait at a gate.
class PreparingProcessorTest : public testing::Test {
 protected:
  PreparingProcessorTest() {
    options_.secrets.register_secret("slow", [this] {
      gate_.pass();
      ++returned_;
      return "the slow secret";
    });
    options_.preprocessors.register_preprocessor("slow", [this](OutgoingRequest&) {
      gate_.pass();
      ++returned_;
    });
  }
  ~PreparingProcessorTest() override { gate_.open(); }

  void start() {
    processor_.emplace(options_);
    processor_->start();
  }
  void enqueue(const std::string& id, RequestOptions request) {
    if (request.url.empty()) request.url = server_.url("/" + id);
    ASSERT_TRUE(
        processor_->enqueue(make_task(std::move(request), handler_, {.id = id})).has_value());
  }
  static RequestOptions with_secret() {
    return {.headers = {{"x-key", *SecretReference::create("slow")}}};
  }
  std::vector<std::string> targets() const {
    std::vector<std::string> targets;
    for (const auto& request : server_.requests()) targets.push_back(request.target);
    return targets;
  }

  Gate gate_;
  std::atomic<int> returned_{0};
  Lines lines_;
  TestHttpServer server_;
  RecordingTaskHandler handler_;
  ProcessorOptions options_{.retries = 0, .log = lines_.log()};
  std::optional<Processor> processor_;
};

TEST_F(PreparingProcessorTest, ServesOthersWhileAFunctionBlocks) {
  options_.secrets.register_secret("static", "v");
  start();
  enqueue("slow", with_secret());
  enqueue("slow-too", {.preprocessors = {"slow"}});
  gate_.wait_for_arrivals(2);
  enqueue("fast", {.headers = {{"x-key", *SecretReference::create("static")}}});
  EXPECT_EQ(handler_.wait_for(1).at(0).id, "fast");
  gate_.open();
  const auto outcomes = handler_.wait_for(3);
  for (const RecordedOutcome& outcome : outcomes) EXPECT_TRUE(outcome.response) << outcome.id;
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(PreparingProcessorTest, PreparesManyAtOnce) {
  options_.max_connections = 500;
  std::atomic<int> calls{0};
  options_.secrets.register_secret("quick", [&] { return std::to_string(++calls); });
  start();
  for (int i = 0; i < 200; ++i) {
    enqueue(std::to_string(i), {.headers = {{"x-key", *SecretReference::create("quick")}}});
  }
  const auto outcomes = handler_.wait_for(200);
  ASSERT_EQ(outcomes.size(), 200U);
  for (const RecordedOutcome& outcome : outcomes) EXPECT_TRUE(outcome.response.has_value());
  EXPECT_EQ(calls, 200);
}

TEST_F(PreparingProcessorTest, EndsAtTheTimeoutWhenAFunctionHangs) {
  start();
  RequestOptions request = with_secret();
  request.timeout = 100ms;
  enqueue("hung", request);
  const auto outcomes = handler_.wait_for(1);
  ASSERT_TRUE(outcomes.at(0).error.has_value());
  EXPECT_EQ(outcomes[0].error->kind(), ErrorKind::kTotalTimeout);
  EXPECT_THAT(outcomes[0].error->message(),
              testing::HasSubstr(" failed in phase prepare: no complete response within the "
                                 "timeout of 0.1 s"));
  // The function is noted when it returns, and nothing is sent.
  gate_.open();
  const std::string note = lines_.wait_for_text();
  EXPECT_THAT(note, testing::StartsWith("the secret \"slow\" took "));
  EXPECT_THAT(note, testing::EndsWith(" s; its request had ended meanwhile\n"));
  processor_->stop(10s);
  EXPECT_EQ(server_.connection_count(), 0);
}

TEST_F(PreparingProcessorTest, CancelsWhatIsPrepared) {
  start();
  enqueue("one", {.preprocessors = {"slow"}});
  gate_.wait_for_arrivals(1);
  processor_->cancel("one");
  const auto outcomes = handler_.wait_for(1);
  EXPECT_EQ(outcomes.at(0).error->kind(), ErrorKind::kCancelled);
  EXPECT_THAT(outcomes[0].error->message(), testing::HasSubstr("in phase prepare"));
  EXPECT_EQ(returned_, 0);
}

TEST_F(PreparingProcessorTest, StopRetriesWhatIsPreparedAndWaitsForTheFunction) {
  options_.preparer_threads = 1;
  start();
  enqueue("running", with_secret());
  gate_.wait_for_arrivals(1);
  enqueue("waiting", with_secret());
  std::thread stopper([&] { processor_->stop(0ms); });
  // Both tasks come back at once; the stop itself waits for the function that runs.
  const auto outcomes = handler_.wait_for(2);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_TRUE(outcomes[0].is_retry());
  EXPECT_TRUE(outcomes[1].is_retry());
  EXPECT_EQ(processor_->state(), ProcessorState::kStopping);
  gate_.open();
  stopper.join();
  EXPECT_EQ(returned_, 1);  // the other one never began
  EXPECT_EQ(server_.connection_count(), 0);

  processor_->start();
  enqueue("after", with_secret());
  EXPECT_TRUE(handler_.wait_for(3).at(2).response.has_value());
}

TEST_F(PreparingProcessorTest, StopFinishesWhatIsPreparedInTime) {
  start();
  enqueue("slow", with_secret());
  gate_.wait_for_arrivals(1);
  std::thread stopper([&] { processor_->stop(60s); });
  while (processor_->state() != ProcessorState::kStopping) std::this_thread::yield();
  gate_.open();
  stopper.join();
  EXPECT_TRUE(handler_.wait_for(1).at(0).response.has_value());
}

TEST_F(PreparingProcessorTest, RefusesAStopFromAFunction) {
  options_.preprocessors.register_preprocessor("stop",
                                               [&](OutgoingRequest&) { processor_->stop(0ms); });
  start();
  enqueue("one", {.preprocessors = {"stop"}});
  const auto outcomes = handler_.wait_for(1);
  EXPECT_EQ(outcomes.at(0).error->kind(), ErrorKind::kPreprocessorFailed);
  EXPECT_EQ(processor_->state(), ProcessorState::kRunning);
}

TEST_F(PreparingProcessorTest, CallsFunctionsAgainForEachAttempt) {
  // Nothing listens on port 1.
  options_.retries = 2;
  options_.retry_delay = Seconds{0.001};
  std::atomic<int> calls{0};
  options_.secrets.register_secret("count", [&] { return std::to_string(++calls); });
  start();
  enqueue("one", {.url = "http://127.0.0.1:1/",
                  .headers = {{"x-key", *SecretReference::create("count")}}});
  EXPECT_EQ(handler_.wait_for(1).at(0).error->kind(), ErrorKind::kRefused);
  EXPECT_EQ(calls, 3);
}

TEST_F(PreparingProcessorTest, DropsWhatWasPreparedForAnAttemptThatIsOver) {
  // It was sent for the next attempt, and then that attempt's own as well.
  options_.retries = 3;
  options_.retry_delay = Seconds{0.001};
  options_.retry_on = {.connection = false, .timeout = true};
  server_.on("/pay", [this](const auto&, auto& peer) {
    server_.wait_for_release();
    peer.send(TestHttpServer::response(200, "paid"));
  });
  start();
  enqueue("pay", {.method = HttpMethod::kPost, .timeout = 500ms, .preprocessors = {"slow"}});
  gate_.wait_for_arrivals(2);
  gate_.open();
  while (returned_ < 2) std::this_thread::yield();
  enqueue("after", {.preprocessors = {"slow"}});
  static_cast<void>(handler_.wait_for(1));
  server_.release();
  static_cast<void>(handler_.wait_for(2));
  EXPECT_THAT(targets(), testing::UnorderedElementsAre("/pay", "/after"));
}

TEST_F(PreparingProcessorTest, ServesAnInlineExecutorTheSameWay) {
  InlineExecutor executor(options_);
  const Request hung =
      Request::create({.url = server_.url("/"), .timeout = 50ms, .preprocessors = {"slow"}})
          .value();
  EXPECT_EQ(executor.send(hung).error().kind(), ErrorKind::kTotalTimeout);
  gate_.open();
  // What ends with the preparation ends at once, though nothing else wakes the reactor.
  options_.preprocessors.register_preprocessor(
      "boom", [](OutgoingRequest&) { throw std::runtime_error("boom"); });
  const auto start = std::chrono::steady_clock::now();
  const Request failing =
      Request::create({.url = server_.url("/"), .preprocessors = {"boom"}}).value();
  EXPECT_EQ(executor.send(failing).error().kind(), ErrorKind::kPreprocessorFailed);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
  const Request request =
      Request::create({.url = server_.url("/"), .preprocessors = {"slow"}}).value();
  EXPECT_TRUE(executor.send(request).has_value());
}

}  // namespace
}  // namespace patient_http
