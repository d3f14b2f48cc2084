#include "engine_cases.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <thread>

#include "patient_http/processor.h"
#include "process_figures.h"

namespace patient_http::bench {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using SecondsOf = std::chrono::duration<double>;

constexpr auto kPatience = 120s;

std::unique_ptr<RequestTask> make_task(const std::string& url, TaskHandler& handler) {
  return std::make_unique<RequestTask>(Request::create({.url = url}).value(), handler);
}

// Counts what is settled, and replaces it until told to stop.
class CountingHandler final : public TaskHandler {
 public:
  CountingHandler(Processor& processor, std::string url)
      : processor_(processor), url_(std::move(url)) {}

  void settle(std::vector<SettledTask> batch) override {
    for (const SettledTask& settled : batch) {
      const auto* response = std::get_if<Response>(&settled.outcome);
      if (response == nullptr || response->status() != 200) ++failed_;
    }
    done_ += batch.size();
    if (!is_stopping_) start(batch.size());
  }
  void on_complete(std::unique_ptr<RequestTask>, Response) override {}
  void on_error(std::unique_ptr<RequestTask>, Error) override {}
  void retry(std::unique_ptr<RequestTask>) override {}

  void start(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (!processor_.enqueue(make_task(url_, *this))) throw std::logic_error("no slot");
    }
  }
  void stop() { is_stopping_ = true; }
  [[nodiscard]] std::size_t done() const { return done_; }
  [[nodiscard]] std::size_t failed() const { return failed_; }

 private:
  Processor& processor_;
  const std::string url_;
  std::atomic<std::size_t> done_{0};
  std::atomic<std::size_t> failed_{0};
  std::atomic<bool> is_stopping_{false};
};

SecondsOf reactor_cpu() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(task.path() / "comm") >> name;
    if (name != "ph-reactor") continue;
    std::int64_t nanoseconds = 0;
    std::ifstream(task.path() / "schedstat") >> nanoseconds;
    return std::chrono::nanoseconds(nanoseconds);
  }
  return {};
}

double milliseconds(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

ProcessorOptions options_of(const LoadCase& load) {
  ProcessorOptions options;
  // Slots are free again only after their handler has started the next tasks, which may be done
  // before that: there are more slots than requests in flight.
  options.max_connections = 4 * load.in_flight + 2048;
  options.request_timeout = Seconds{600};
  options.ca_file = load.ca_file;
  return options;
}

void wait_for(const std::function<bool()>& condition, const char* what) {
  const auto until = steady_clock::now() + kPatience;
  while (!condition()) {
    if (steady_clock::now() > until) throw std::runtime_error(std::string("timed out: ") + what);
    std::this_thread::sleep_for(20ms);
  }
}

// Until the process does next to nothing: every request is sent, and none is answered.
void wait_until_quiet() {
  SecondsOf last{-1};
  wait_for(
      [&] {
        std::this_thread::sleep_for(300ms);
        const SecondsOf now = process_cpu();
        const bool quiet = now - last < 1ms;
        last = now;
        return quiet;
      },
      "the process does not come to rest");
}

}  // namespace

LoadFigures measure_load(const LoadCase& load) {
  Processor processor(options_of(load));
  CountingHandler handler(processor, load.url);
  processor.start();
  handler.start(load.in_flight);
  wait_for([&] { return handler.done() >= 3 * load.in_flight; }, "warming up");

  const auto begin = steady_clock::now();
  const SecondsOf cpu = process_cpu();
  const SecondsOf of_reactor = reactor_cpu();
  const std::size_t done = handler.done();
  std::this_thread::sleep_for(load.duration);
  const auto count = static_cast<double>(handler.done() - done);
  LoadFigures figures;
  figures.requests_per_second = count / SecondsOf(steady_clock::now() - begin).count();
  figures.cpu_us = (process_cpu() - cpu).count() * 1e6 / count;
  figures.resident_mb = resident_bytes() / 1e6;
  figures.connections = static_cast<double>(open_sockets());
  figures.reactor_us = (reactor_cpu() - of_reactor).count() * 1e6 / count;

  handler.stop();
  static_cast<void>(processor.wait_until_idle(kPatience));
  figures.longest_turn_ms = milliseconds(processor.status().longest_turn);
  processor.stop(0ms);
  if (handler.failed() > 0) {
    throw std::runtime_error(std::to_string(handler.failed()) + " requests failed");
  }
  return figures;
}

IdleFigures measure_idle(const LoadCase& load) {
  Processor processor(options_of(load));
  CountingHandler handler(processor, load.url);
  handler.stop();
  processor.start();
  // What is set up once does not count: threads, certificates, the first connection's buffers.
  handler.start(1);
  wait_until_quiet();
  const double before = resident_bytes();
  handler.start(load.in_flight);
  wait_until_quiet();
  IdleFigures figures;
  figures.bytes_per_request = (resident_bytes() - before) / static_cast<double>(load.in_flight);
  figures.longest_turn_ms = milliseconds(processor.status().longest_turn);
  if (handler.done() > 0) throw std::runtime_error("requests ended that should wait");
  processor.stop(0ms);
  return figures;
}

}  // namespace patient_http::bench
