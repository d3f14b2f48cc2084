// Thousands of slow requests in flight for a long time, a tenth of which fail in random ways:
// memory stays flat, no descriptor is leaked, and every request is settled exactly once, with the
// outcome that the server gave it.
//
// A short run is part of the suite; scripts/soak makes long ones: SOAK_SECONDS, SOAK_IN_FLIGHT.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>

#include "patient_http/processor.h"
#include "support/program.h"
#include "support/resident_memory.h"
#include "support/temporary_folder.h"

namespace patient_http::test {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

int setting(const char* name, int fallback) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::atoi(text) : fallback;
}

// How a request is to end. Retries are for failures of the connection: those end so after them.
struct Ending {
  const char* fault;  // of the slow server; empty: none
  ErrorKind kind;
  ErrorKind kind_http2;  // where the server resets the stream instead
};
constexpr std::array<Ending, 8> kFaults = {
    {{"reset", ErrorKind::kReset, ErrorKind::kReset},
     {"close", ErrorKind::kClosed, ErrorKind::kReset},
     {"cut", ErrorKind::kClosed, ErrorKind::kReset},
     {"garbage", ErrorKind::kProtocol, ErrorKind::kReset},
     {"bad_chunk", ErrorKind::kProtocol, ErrorKind::kReset},
     {"bad_gzip", ErrorKind::kDecode, ErrorKind::kDecode},
     {"too_long", ErrorKind::kResponseTooLarge, ErrorKind::kResponseTooLarge},
     {"silence", ErrorKind::kTotalTimeout, ErrorKind::kTotalTimeout}}};

std::size_t open_descriptors() {
  const auto files = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

// A server of its own process: what it holds is not ours.
class Target {
 public:
  explicit Target(std::vector<std::string> arguments, const char* ca_file = "")
      : server_("slow-server", with_time(std::move(arguments), ca_file), {.pipes_output = true}) {
    const std::string line = server_.read_line();
    url_ = line.substr(line.rfind(' ') + 1);
  }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  static std::vector<std::string> with_time(std::vector<std::string> arguments,
                                            const std::string& ca_file) {
    arguments.insert(arguments.end(),
                     {"--delay", "0.5", "--jitter", "1", "--max-seconds", "100000"});
    if (!ca_file.empty()) arguments.insert(arguments.end(), {"--ca-file", ca_file});
    return arguments;
  }

  Program server_;
  std::string url_;
};

// Replaces each request that is settled, and holds its outcome against what was asked for.
class Soak final : public TaskHandler {
 public:
  // The last of `urls` is of a server that speaks HTTP/2.
  Soak(Processor& processor, std::vector<std::string> urls)
      : processor_(processor), urls_(std::move(urls)) {}

  void start(std::size_t count) {
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < count; ++i) start_one();
  }
  void stop() {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }

  void on_complete(std::unique_ptr<RequestTask> task, Response response) override {
    settled(*task, response.status() == 200 ? "" : std::to_string(response.status()));
  }
  void on_error(std::unique_ptr<RequestTask> task, Error error) override {
    settled(*task, std::string(to_string(error.kind())));
  }
  void retry(std::unique_ptr<RequestTask> task) override { settled(*task, "interrupted"); }

  [[nodiscard]] std::size_t in_flight() const {
    std::lock_guard lock(mutex_);
    return expected_.size();
  }
  [[nodiscard]] std::size_t settled_count() const {
    std::lock_guard lock(mutex_);
    return settled_;
  }
  // What went wrong, and how often.
  [[nodiscard]] std::map<std::string, int> problems() const {
    std::lock_guard lock(mutex_);
    return problems_;
  }
  [[nodiscard]] std::map<std::string, int> endings() const {
    std::lock_guard lock(mutex_);
    return endings_;
  }

 private:
  void start_one() {
    const std::size_t server = random_() % urls_.size();
    const bool is_http2 = server + 1 == urls_.size();
    std::string url = urls_[server];
    std::string expected;
    RequestOptions options{.timeout = seconds(60)};
    if (random_() % 10 == 0) {
      const Ending& ending = kFaults[random_() % kFaults.size()];
      expected = to_string(is_http2 ? ending.kind_http2 : ending.kind);
      if (ending.kind == ErrorKind::kTotalTimeout) {
        url += "/silent?delay=86400";
        options.timeout = seconds(2);
      } else {
        url += "/faulty?fault=" + std::string(ending.fault);
      }
    }
    options.url = std::move(url);
    auto task = std::make_unique<RequestTask>(Request::create(std::move(options)).value(), *this);
    expected_.emplace(task->id(), expected);
    if (!processor_.enqueue(std::move(task))) ++problems_["a request was refused"];
  }

  void settled(const RequestTask& task, const std::string& ending) {
    std::lock_guard lock(mutex_);
    ++settled_;
    ++endings_[ending.empty() ? "response" : ending];
    const auto found = expected_.find(task.id());
    if (found == expected_.end()) {
      ++problems_["settled twice"];
      return;
    }
    if (found->second != ending) {
      ++problems_["ended as \"" + ending + "\" instead of \"" + found->second + "\""];
    }
    expected_.erase(found);
    if (!is_stopping_) start_one();
  }

  Processor& processor_;
  const std::vector<std::string> urls_;
  mutable std::mutex mutex_;
  std::minstd_rand random_{20'261'124};
  std::unordered_map<std::string, std::string> expected_;  // by id
  std::map<std::string, int> problems_;
  std::map<std::string, int> endings_;
  std::size_t settled_ = 0;
  bool is_stopping_ = false;
};

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(SoakTest, StaysFlatAndSettlesEachRequestOnce) {
  const seconds time(setting("SOAK_SECONDS", 10));
  const auto in_flight = static_cast<std::size_t>(setting("SOAK_IN_FLIGHT", 1'000));
  raise_descriptor_limit();
  const TemporaryFolder folder;
  const std::string ca_file = folder.file("ca.pem");
  const Target plain({});
  const Target http2({"--tls", "--http2"}, ca_file.c_str());
  const std::size_t descriptors = open_descriptors();
  {
    ProcessorOptions options;
    // Slots are free again only after their handler has started the next requests.
    options.max_connections = 3 * in_flight;
    options.ca_file = ca_file;
    options.retries = 1;
    options.retry_delay = Seconds{0.1};
    Processor processor(options);
    Soak soak(processor, {plain.url(), http2.url()});
    processor.start();
    soak.start(in_flight);

    const auto begin = steady_clock::now();
    std::size_t warm = 0;
    std::size_t most = 0;
    int looks = 0;
    for (auto now = begin; now < begin + time; now = steady_clock::now()) {
      // The run itself is what takes time.
      std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(seconds(60), time / 10));
      const std::size_t bytes = resident_bytes();
      // The first third is for connections, and for the allocator to find its size.
      if (steady_clock::now() - begin < time / 3) {
        warm = std::max(warm, bytes);
      } else {
        most = std::max(most, bytes);
      }
      if (time > seconds(60) && ++looks > 0) {
        std::cout << "soak: " << soak.settled_count() << " settled, " << bytes / 1'000'000
                  << " MB, " << open_descriptors() << " descriptors, longest turn "
                  << processor.status().longest_turn.count() / 1000 << " ms" << std::endl;
      }
      EXPECT_EQ(soak.in_flight(), in_flight);
    }
    soak.stop();
    EXPECT_TRUE(processor.wait_until_idle(seconds(60)));
    processor.stop(seconds(1));

    EXPECT_EQ(soak.in_flight(), 0U) << "requests were never settled";
    EXPECT_EQ(soak.problems(), (std::map<std::string, int>{}));
    if (kMemoryIsOurs) {
      EXPECT_LT(most, warm + warm / 5 + 10'000'000);
    }
    std::cout << "soak: " << soak.settled_count() << " requests; " << warm / 1'000'000
              << " MB when warm, " << most / 1'000'000 << " MB at most after it;";
    for (const auto& [ending, count] : soak.endings()) std::cout << " " << ending << " " << count;
    std::cout << std::endl;
  }
  EXPECT_EQ(open_descriptors(), descriptors);
}

}  // namespace
}  // namespace patient_http::test
