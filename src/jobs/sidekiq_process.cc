#include "jobs/sidekiq_process.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <fstream>
#include <optional>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "jobs/process_name.h"
#include "jobs/redis_keys.h"
#include "jobs/redis_store_context.h"
#include "jobs/user_exception.h"
#include "patient_http/json.h"
#include "version.h"

namespace patient_http::jobs {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// Both as Sidekiq has them.
constexpr auto kBeatEvery = 10s;
constexpr std::int64_t kLifetimeSeconds = 60;
// After a signal: what came of it is shown soon, and the next signal is not far.
constexpr auto kBeatAfterSignal = 1s;

constexpr std::size_t kNonceBytes = 6;
constexpr std::size_t kKilobyte = 1024;

thread_local bool t_is_sidekiq_thread = false;

// Memory of this process that is not swapped out.
std::size_t resident_kilobytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  if (!(statm >> total >> resident)) return 0;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / kKilobyte;
}

// Sidekiq's words for how queues are chosen from.
std::string_view mode_of(const std::vector<RedisQueue>& queues) {
  const auto all_are = [&queues](int weight) {
    return std::all_of(queues.begin(), queues.end(),
                       [weight](const RedisQueue& queue) { return queue.weight == weight; });
  };
  if (all_are(0)) return "strict";
  return all_are(1) ? "random" : "weighted";
}

// What Sidekiq asks for, as the signal by which the same is asked of a process.
std::optional<int> signal_of(std::string_view name) {
  if (name == "TSTP") return SIGTSTP;
  if (name == "TERM") return SIGTERM;
  if (name == "TTIN") return SIGTTIN;
  return std::nullopt;
}

redis::RedisConnectionOptions must_have(StoreResult<redis::RedisConnectionOptions> options) {
  return std::move(options.value());
}

}  // namespace

SidekiqProcess::SidekiqProcess(const RedisOptions& options, std::size_t max_connections,
                               HealthFunction health, Log log)
    : options_(options),
      max_connections_(max_connections),
      health_(std::move(health)),
      log_(std::move(log)),
      identity_(process_prefix() + ":" + base::random_hex(kNonceBytes)),
      signals_key_(identity_ + "-signals"),
      work_key_(identity_ + ":work"),
      info_(info()),
      client_(must_have(connection_options(options))) {}

bool SidekiqProcess::is_sidekiq_thread() {
  return t_is_sidekiq_thread;
}

// All that Sidekiq 6.4 to 8.1 looks for, each version in its own place.
std::string SidekiqProcess::info() const {
  Json::Array queues;
  Json weights = Json::object({});
  for (const RedisQueue& queue : options_.queues) {
    queues.emplace_back(queue.name);
    weights.set(queue.name, queue.weight);
  }
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  const Json capsule = Json::object({{"concurrency", Json(max_connections_)},
                                     {"mode", Json(mode_of(options_.queues))},
                                     {"weights", weights}});
  return Json::object({{"hostname", Json(host_name())},
                       {"started_at", Json(std::round(now.count() * 1e3) / 1e3)},
                       {"pid", Json(::getpid())},
                       {"tag", Json("")},
                       {"concurrency", Json(max_connections_)},
                       {"queues", Json(std::move(queues))},
                       {"weights", Json::array({weights})},
                       {"capsules", Json::object({{"default", capsule}})},
                       {"labels", Json::array({Json("patient-http")})},
                       {"identity", Json(identity_)},
                       {"version", Json(std::string("patient-http-") + kVersion)},
                       // Of such processes Sidekiq 7 and 8 know that they take no signals.
                       {"embedded", Json(options_.on_sidekiq_signal == nullptr)}})
      .dump();
}

void SidekiqProcess::start() {
  if (thread_.joinable()) return;
  {
    base::MutexLock lock(mutex_);
    stopping_ = false;
  }
  thread_ = std::thread([this] { run(); });
}

void SidekiqProcess::stop() {
  if (!thread_.joinable()) return;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  if (is_registered_) leave();
}

void SidekiqProcess::run() {
  pthread_setname_np(pthread_self(), "ph-sidekiq");
  t_is_sidekiq_thread = true;
  while (wait(beat() ? kBeatAfterSignal : kBeatEvery)) {
  }
}

bool SidekiqProcess::beat() {
  const ProcessHealth health = health_();
  const StoreResult<std::string> signal = register_once(health);
  if (!signal) {
    if (!has_failed_) {
      log_.warn("register as a Sidekiq process: " + signal.error().message +
                "; it is tried again every 10 s");
    }
    is_registered_ = false;
    has_failed_ = true;
    return false;
  }
  if (!is_registered_) log_.info("registered as the Sidekiq process " + identity_);
  is_registered_ = true;
  has_failed_ = false;
  if (signal->empty()) return false;
  obey(*signal, health);
  return true;
}

StoreResult<std::string> SidekiqProcess::register_once(const ProcessHealth& health) {
  const auto sent = steady_clock::now();
  const auto pong = run_command(client_, {"PING"});
  if (!pong) return unexpected(pong.error());
  const auto round_trip =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - sent);

  RedisStep step(client_, scripts_.sidekiq_beat);
  step.key(redis_keys::kSidekiqProcesses).key(identity_).key(signals_key_);
  step.argument(identity_).number(kLifetimeSeconds);
  step.argument("info").argument(info_);
  step.argument("concurrency").number(static_cast<std::int64_t>(max_connections_));
  step.argument("busy").number(static_cast<std::int64_t>(health.in_flight));
  step.argument("rtt_us").number(round_trip.count());
  const bool is_running = health.state == ProcessHealth::State::kRunning;
  step.argument("quiet").argument(is_running ? "false" : "true");
  step.argument("rss").number(static_cast<std::int64_t>(resident_kilobytes()));
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  return std::string(reply->text());
}

void SidekiqProcess::obey(std::string_view signal, const ProcessHealth& health) {
  const auto number = signal_of(signal);
  if (!number) {
    log_.warn("something unknown was asked of this process on Sidekiq's page");
    return;
  }
  const std::string asked = std::string(signal) + " was asked of this process on Sidekiq's page";
  if (!options_.on_sidekiq_signal) {
    log_.warn(asked + ", and nothing here takes it");
    return;
  }
  // As a signal a second one would mean that what is in flight is put back at once, and a third one
  // the end; who presses a button again, since the process is still there, means neither.
  if (*number == SIGTERM && health.state == ProcessHealth::State::kStopping) return;
  log_.info(asked);
  try {
    options_.on_sidekiq_signal(*number);
  } catch (...) {
    const JobFailure failure = describe_exception(std::current_exception());
    log_.error("on_sidekiq_signal failed: " + failure.error_class + ": " + failure.message);
  }
}

void SidekiqProcess::leave() {
  is_registered_ = false;
  const auto left =
      run_command(client_, {"SREM", redis_keys::kSidekiqProcesses, std::string_view(identity_)});
  const auto removed =
      left ? run_command(client_, {"UNLINK", identity_, work_key_, signals_key_}) : left;
  if (!removed) {
    log_.warn("leave Sidekiq's processes: " + removed.error().message +
              "; the entry ends by itself");
  }
}

bool SidekiqProcess::wait(std::chrono::milliseconds time) {
  const auto until = steady_clock::now() + time;
  base::MutexLock lock(mutex_);
  while (!stopping_) {
    if (!changed_.wait_until(mutex_, until)) return !stopping_;
  }
  return false;
}

}  // namespace patient_http::jobs
