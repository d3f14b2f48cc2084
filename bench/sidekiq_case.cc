#include "sidekiq_case.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>
#include <vector>

#include "child_process.h"

namespace patient_http::bench {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto kStandstill = 30s;

double cpu_seconds(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string stat((std::istreambuf_iterator<char>(file)), {});
  double user = 0;
  double system = 0;
  // After the name in brackets: the state, and ten numbers before these two.
  const auto end = stat.rfind(')');
  if (end == std::string::npos ||
      std::sscanf(stat.c_str() + end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf",
                  &user, &system) != 2) {
    return 0;
  }
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void push(test::TestRedis& redis, const SidekiqCase& load) {
  const std::string head =
      R"({"retry":false,"queue":"bench_requests","class":"BenchWorker","args":[")" + load.url +
      R"(","BenchCallback",{"user_id":17}],"jid":")";
  for (std::size_t i = 0; i < load.count; ++i) {
    std::string jid = std::to_string(i);
    jid.insert(0, 24 - jid.size(), '0');
    const std::string job = head + jid + R"(","created_at":1.5,"enqueued_at":1.5})";
    redis.command({"LPUSH", "queue:bench_requests", job});
  }
}

// False at a standstill.
bool wait_for_callbacks(test::TestRedis& redis, std::size_t count) {
  std::size_t last = 0;
  auto moved = steady_clock::now();
  for (;;) {
    const auto length = redis.command({"LLEN", "queue:bench_callbacks"}).integer();
    const auto done = static_cast<std::size_t>(length);
    if (done >= count) return true;
    const auto now = steady_clock::now();
    if (done > last) moved = now;
    if (now - moved > kStandstill) return false;
    last = done;
    std::this_thread::sleep_for(10ms);
  }
}

}  // namespace

std::optional<SidekiqFigures> measure_sidekiq_case(test::TestRedis& redis,
                                                   const SidekiqCase& load) {
  push(redis, load);
  std::unique_ptr<Companion> sidekiq;
  try {
    sidekiq = std::make_unique<Companion>(std::vector<std::string>{
        "env", "REDIS_URL=" + redis.url(), "ruby", "-S", "sidekiq", "-r", load.worker_file, "-q",
        "bench_requests", "-c", std::to_string(load.threads), "-t", "2"});
  } catch (const std::exception&) {
    return std::nullopt;
  }
  // It has loaded everything, and begins.
  const auto begin = steady_clock::now();
  const double cpu = cpu_seconds(sidekiq->pid());
  if (!wait_for_callbacks(redis, load.count)) return std::nullopt;
  const std::chrono::duration<double> taken = steady_clock::now() - begin;
  const auto count = static_cast<double>(load.count);
  return SidekiqFigures{count / taken.count(), (cpu_seconds(sidekiq->pid()) - cpu) * 1e6 / count};
}

}  // namespace patient_http::bench
