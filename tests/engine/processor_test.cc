#include "patient_http/processor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::make_task;
using test::RecordingTaskHandler;
using test::TestHttpServer;

// Records the events of a processor as words.
class RecordingObserver final : public ProcessorObserver {
 public:
  void start() override { record("start"); }
  void stop() override { record("stop"); }
  void capacity_exceeded() override { record("capacity_exceeded"); }
  void request_start(const ObservedRequest& request) override { record("begin " + request.id); }
  void request_end(const ObservedRequest& request, int status, Seconds) override {
    record("end " + request.id + " " + std::to_string(status));
  }
  void request_error(const ObservedRequest& request, ErrorKind kind) override {
    record("error " + request.id + " " + std::string(to_string(kind)));
  }

  std::vector<std::string> events() {
    std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  void record(std::string event) {
    std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }

  std::mutex mutex_;
  std::vector<std::string> events_;
};

TEST(ProcessorTest, DeliversAResponseWithAllItsAttributes) {
  TestHttpServer server;
  server.answer("/x", 201, "hello", "content-type: text/plain\r\nx-a: 1\r\nX-A: 2\r\n");
  RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{});
  processor.start();

  ASSERT_TRUE(
      processor
          .enqueue(make_task(
              {.method = HttpMethod::kPost, .url = server.url("/x?q=1"), .body = "in"}, handler,
              {.id = "id-1",
               .callback = "Callback",
               .callback_args = CallbackArgs::create(Json::object({{"k", 1}})).value()}))
          .has_value());

  const auto outcomes = handler.wait_for(1);
  ASSERT_EQ(outcomes.size(), 1U);
  ASSERT_TRUE(outcomes[0].response.has_value());
  const Response& response = *outcomes[0].response;
  EXPECT_EQ(response.status(), 201);
  EXPECT_EQ(response.body(), "hello");
  EXPECT_EQ(response.headers().get("x-a"), "1,2");
  EXPECT_EQ(response.request_id(), "id-1");
  EXPECT_EQ(response.url(), server.url("/x?q=1"));
  EXPECT_EQ(response.method(), HttpMethod::kPost);
  EXPECT_EQ(response.callback_args().fetch("k").to_int64(), 1);
  EXPECT_GT(response.duration().count(), 0);
  EXPECT_TRUE(response.redirects().empty());
  EXPECT_EQ(server.requests()[0].body, "in");
}

TEST(ProcessorTest, RefusesTasksUnlessRunning) {
  TestHttpServer server;
  RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{});

  auto refused = processor.enqueue(get(server.url("/"), handler, "mine"));

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, RefusedTask::Reason::kNotRunning);
  EXPECT_EQ(refused.error().task->id(), "mine");
  processor.start();
  EXPECT_TRUE(processor.enqueue(std::move(refused.error().task)).has_value());
  EXPECT_EQ(handler.wait_for(1).size(), 1U);
  processor.drain();
  EXPECT_EQ(processor.state(), ProcessorState::kDraining);
  EXPECT_FALSE(processor.enqueue(get(server.url("/"), handler)).has_value());
  processor.start();
  EXPECT_EQ(processor.state(), ProcessorState::kDraining)
      << "a draining processor does not restart";
}

TEST(ProcessorTest, CountsQueuedAndRunningTasksAgainstItsCapacity) {
  TestHttpServer server;
  server.hang("/hang");
  RecordingTaskHandler handler;
  RecordingObserver observer;
  Processor processor(ProcessorOptions{.max_connections = 2});
  processor.add_observer(observer);
  processor.start();
  EXPECT_EQ(processor.free_slots(), 2U);
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler, "a")).has_value());
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler, "b")).has_value());

  const auto refused = processor.enqueue(get(server.url("/"), handler, "c"));

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, RefusedTask::Reason::kAtCapacity);
  EXPECT_EQ(processor.free_slots(), 0U);
  EXPECT_FALSE(processor.wait_for_free_slots(1, 0ms));
  processor.cancel("a");
  EXPECT_TRUE(processor.wait_for_free_slots(1, 20s));
  EXPECT_TRUE(processor.enqueue(get(server.url("/"), handler, "d")).has_value());
  processor.stop(0ms);
  EXPECT_THAT(observer.events(), testing::Contains("capacity_exceeded"));
}

// Takes its outcomes in batches, which it counts.
class GatheringTaskHandler final : public TaskHandler {
 public:
  void settle(std::vector<SettledTask> batch) override {
    const std::lock_guard lock(mutex_);
    batches_.push_back(batch.size());
  }
  [[nodiscard]] std::chrono::milliseconds gathering_time() const override { return 10min; }
  void on_complete(std::unique_ptr<RequestTask>, Response) override {}
  void on_error(std::unique_ptr<RequestTask>, Error) override {}
  void retry(std::unique_ptr<RequestTask>) override {}

  [[nodiscard]] std::vector<std::size_t> batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::size_t> batches_;
};

TEST(ProcessorTest, GathersATenthOfTheSlotsForAHandlerThatWantsLargeBatches) {
  TestHttpServer server;
  GatheringTaskHandler handler;
  Processor processor(ProcessorOptions{.max_connections = 40, .delivery_threads = 1});
  processor.start();
  const auto request = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler)).has_value());
    ASSERT_TRUE(processor.wait_until_idle(60s));
  };
  request(1);  // the first one waits for nobody
  request(4);
  EXPECT_EQ(handler.batches(), (std::vector<std::size_t>{1, 4}));
}

TEST(ProcessorTest, CanBeStartedAgainAfterAStop) {
  TestHttpServer server;
  RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{});
  for (std::size_t round = 1; round <= 3; ++round) {
    processor.start();
    processor.start();
    EXPECT_EQ(processor.state(), ProcessorState::kRunning);
    ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler)).has_value());
    EXPECT_EQ(handler.wait_for(round).size(), round);
    processor.stop(1s);
    processor.stop(1s);
    EXPECT_EQ(processor.state(), ProcessorState::kStopped);
  }
}

TEST(ProcessorTest, CancelsATaskWhereverItIsWithExactlyOneOutcome) {
  TestHttpServer server;
  server.hang("/hang");
  server.on("/drip", [](const auto&, test::ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nfirst");
    peer.wait_for_peer_to_close();
  });
  RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{
      .retries = 5, .retry_delay = Seconds{300}, .longest_retry_delay = Seconds{300}});
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler, "waiting")).has_value());
  ASSERT_TRUE(processor.enqueue(get(server.url("/drip"), handler, "receiving")).has_value());
  ASSERT_TRUE(processor.enqueue(get("http://127.0.0.1:1/", handler, "parked")).has_value());
  ASSERT_TRUE(server.wait_for_requests("/hang"));
  ASSERT_TRUE(server.wait_for_requests("/drip"));
  while (processor.status().parked == 0) std::this_thread::yield();

  for (const char* id : {"waiting", "receiving", "parked", "unknown"}) processor.cancel(id);
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler, "queued")).has_value());
  processor.cancel("queued");

  ASSERT_TRUE(processor.wait_until_idle(20s));
  const auto outcomes = handler.wait_for(4);
  ASSERT_EQ(outcomes.size(), 4U);
  for (const auto& outcome : outcomes) {
    ASSERT_TRUE(outcome.error.has_value()) << outcome.id;
    EXPECT_EQ(outcome.error->kind(), ErrorKind::kCancelled);
    EXPECT_EQ(outcome.error->error_type(), "unknown");
    EXPECT_TRUE(outcome.error->message().starts_with("cancelled")) << outcome.error->message();
  }
}

TEST(ProcessorTest, GivesOneOutcomePerTaskWhenCancelsRaceWithResponses) {
  TestHttpServer server;
  RecordingTaskHandler handler;
  constexpr std::size_t kTasks = 500;
  Processor processor(ProcessorOptions{.max_connections = kTasks});
  processor.start();
  for (std::size_t i = 0; i < kTasks; ++i) {
    ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler, std::to_string(i))).has_value());
    processor.cancel(std::to_string(i / 2));
  }
  ASSERT_TRUE(processor.wait_until_idle(60s));

  std::map<std::string, int> counts;
  for (const auto& outcome : handler.wait_for(kTasks)) ++counts[outcome.id];

  EXPECT_EQ(counts.size(), kTasks);
  for (const auto& [id, count] : counts) EXPECT_EQ(count, 1) << id;
}

TEST(ProcessorTest, TellsObserversBalancedStartsAndEnds) {
  TestHttpServer server;
  server.hang("/hang");
  RecordingTaskHandler handler;
  RecordingObserver observer;
  Processor processor(ProcessorOptions{.retries = 0});
  processor.add_observer(observer);
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler, "ok")).has_value());
  handler.wait_for(1);
  ASSERT_TRUE(processor.enqueue(get("http://127.0.0.1:1/", handler, "refused")).has_value());
  handler.wait_for(2);
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler, "interrupted")).has_value());
  ASSERT_TRUE(server.wait_for_requests("/hang"));

  processor.stop(0ms);

  EXPECT_EQ(observer.events(),
            (std::vector<std::string>{"start", "begin ok", "end ok 200", "begin refused",
                                      "error refused refused", "end refused 0", "begin interrupted",
                                      "end interrupted 0", "stop"}));
}

TEST(ProcessorTest, SettlesTheTaskOfAHandlerThatThrows) {
  class ThrowingHandler final : public TaskHandler {
   public:
    void on_complete(std::unique_ptr<RequestTask>, Response) override {
      throw std::runtime_error("no");
    }
    void on_error(std::unique_ptr<RequestTask>, Error) override { throw 1; }
    void retry(std::unique_ptr<RequestTask>) override {}
  };
  TestHttpServer server;
  ThrowingHandler handler;
  std::vector<std::string> logged;
  std::mutex mutex;
  ProcessorOptions options{.max_connections = 1, .retries = 0};
  options.log = Log([&](LogLevel, std::string_view message) {
    std::lock_guard lock(mutex);
    logged.emplace_back(message);
  });
  Processor processor(options);
  processor.start();

  ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler)).has_value());
  ASSERT_TRUE(processor.wait_until_idle(20s));
  ASSERT_TRUE(processor.enqueue(get("http://127.0.0.1:1/", handler)).has_value());
  ASSERT_TRUE(processor.wait_until_idle(20s));

  EXPECT_EQ(processor.free_slots(), 1U);
  std::lock_guard lock(mutex);
  ASSERT_EQ(logged.size(), 2U);
  EXPECT_EQ(logged[0], "a task handler failed, its tasks count as settled: no");
}

TEST(ProcessorTest, LetsHandlersEnqueueFurtherTasks) {
  TestHttpServer server;
  RecordingTaskHandler recorder;
  Processor processor(ProcessorOptions{});
  class Chain final : public TaskHandler {
   public:
    Chain(Processor& processor, RecordingTaskHandler& recorder)
        : processor_(processor), recorder_(recorder) {}
    void on_complete(std::unique_ptr<RequestTask> task, Response) override {
      EXPECT_TRUE(processor_.enqueue(get(task->request().url(), recorder_, "second")).has_value());
    }
    void on_error(std::unique_ptr<RequestTask>, Error error) override {
      ADD_FAILURE() << error.message();
    }
    void retry(std::unique_ptr<RequestTask>) override {}

   private:
    Processor& processor_;
    RecordingTaskHandler& recorder_;
  } chain(processor, recorder);
  processor.start();

  ASSERT_TRUE(processor.enqueue(get(server.url("/"), chain, "first")).has_value());

  EXPECT_EQ(recorder.wait_for(1).at(0).id, "second");
  processor.stop(1s);
}

// The names of this process's threads.
std::vector<std::string> thread_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(entry.path() / "comm");
    names.emplace_back();
    std::getline(file, names.back());
  }
  return names;
}

TEST(ProcessorTest, NamesItsThreads) {
  TestHttpServer server;
  RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{.delivery_threads = 1});
  processor.start();
  // A response has passed both threads.
  ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler)).has_value());
  ASSERT_EQ(handler.wait_for(1).size(), 1U);
  EXPECT_THAT(thread_names(), testing::IsSupersetOf({"ph-reactor", "ph-delivery"}));
  processor.stop(1s);
  EXPECT_THAT(thread_names(), testing::Not(testing::Contains("ph-reactor")));
}

TEST(ProcessorTest, LetsObserversUseIt) {
  class Curious final : public ProcessorObserver {
   public:
    Processor* processor = nullptr;
    RecordingTaskHandler* recorder = nullptr;
    std::string url;
    void request_end(const ObservedRequest& request, int, Seconds) override {
      if (request.id != "first") return;
      EXPECT_EQ(processor->status().state, ProcessorState::kRunning);
      EXPECT_TRUE(processor->enqueue(get(url, *recorder, "second")).has_value());
    }
  };
  TestHttpServer server;
  RecordingTaskHandler handler;
  Curious observer;
  Processor processor(ProcessorOptions{});
  observer.processor = &processor;
  observer.recorder = &handler;
  observer.url = server.url("/");
  processor.add_observer(observer);
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler, "first")).has_value());
  std::set<std::string> ids;
  for (const auto& outcome : handler.wait_for(2)) ids.insert(outcome.id);
  EXPECT_EQ(ids, (std::set<std::string>{"first", "second"}));
}

TEST(ProcessorTest, IsNotIdleBetweenTheHopsOfARedirect) {
  TestHttpServer server;
  server.answer("/from", 302, "", "location: /to\r\n");
  server.on("/to", [&server](const auto&, test::ServerConnection& peer) {
    server.wait_for_release();
    peer.send(TestHttpServer::response(200, "there"));
  });
  RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{.max_connections = 1});
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/from"), handler)).has_value());
  ASSERT_TRUE(server.wait_for_requests("/to"));
  EXPECT_FALSE(processor.wait_until_idle(0ms));
  EXPECT_EQ(processor.status().occupied, 1U);
  EXPECT_EQ(processor.free_slots(), 0U);
  server.release();
  EXPECT_EQ(handler.wait_for(1).at(0).response->body(), "there");
}

TEST(ProcessorTest, SaysAllThatIsWrongWithItsOptions) {
  ProcessorOptions options{.max_connections = 0, .request_timeout = Seconds{-1}, .retries = -1};
  options.name_servers = "not an address";
  try {
    Processor processor(options);
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "max_connections must be a positive number, got: 0; request_timeout must be a positive "
        "number of seconds, got: -1.000000; retries must be 0 or more, got: -1; name_servers "
        "must be IP addresses separated by commas, got: not an address");
  }
  EXPECT_THROW(Processor(ProcessorOptions{.ca_file = "/no/such/file"}), std::runtime_error);
}

// Not with ThreadSanitizer, which rightly calls it a race to put another file in the place of a
// descriptor that a thread uses.
#if !defined(__SANITIZE_THREAD__)
// The descriptors of this process that are event loops.
std::set<int> event_loops() {
  std::set<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the iterator's own is closed by then
    if (std::filesystem::read_symlink(entry.path(), gone) == "anon_inode:[eventpoll]") {
      found.insert(std::stoi(entry.path().filename()));
    }
  }
  return found;
}

TEST(ProcessorTest, GivesTasksBackWhenItsReactorFails) {
  TestHttpServer server;
  server.hang("/hang");
  RecordingTaskHandler handler;
  const std::set<int> before = event_loops();
  Processor processor(ProcessorOptions{.log = Log()});
  std::set<int> ours = event_loops();
  for (const int other : before) ours.erase(other);
  ASSERT_EQ(ours.size(), 1U);
  processor.start();
  for (const char* id : {"a", "b"}) {
    ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler, id)).has_value());
  }
  ASSERT_TRUE(server.wait_for_requests("/hang", 2));

  // From here on every wait of the loop fails; a new task wakes it.
  const int no_loop = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::dup2(no_loop, *ours.begin()), *ours.begin());
  ::close(no_loop);
  static_cast<void>(processor.enqueue(get(server.url("/hang"), handler, "c")));

  const auto outcomes = handler.wait_for(3);
  ASSERT_EQ(outcomes.size(), 3U);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.is_retry()) << outcome.id;
  processor.stop(0ms);
}

#endif

}  // namespace
}  // namespace patient_http
