#include "jobs/task_monitor.h"

#include <pthread.h>

#include "base/clock.h"

namespace patient_http::jobs {

namespace {

using namespace std::chrono_literals;

constexpr auto kPromoteEvery = 500ms;
constexpr int kPromotionsPerRescue = 6;  // every 3 s
constexpr int kPromotionsPerTrim = 600;  // every 5 min

}  // namespace

void TaskMonitor::start() {
  if (thread_.joinable()) return;
  {
    base::MutexLock lock(mutex_);
    stopping_ = false;
  }
  beat();
  rescue();
  promote();
  trim();
  heartbeat_ = std::thread([this] { run_heartbeat(); });
  thread_ = std::thread([this] { run(); });
}

void TaskMonitor::stop() {
  if (!thread_.joinable()) return;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  heartbeat_.join();
}

void TaskMonitor::run_heartbeat() {
  pthread_setname_np(pthread_self(), "ph-heartbeat");
  while (wait(beat_every_)) beat();
}

void TaskMonitor::run() {
  pthread_setname_np(pthread_self(), "ph-monitor");
  for (int round = 1; wait(kPromoteEvery); ++round) {
    promote();
    if (round % kPromotionsPerRescue == 0) rescue();
    if (round % kPromotionsPerTrim == 0) trim();
  }
}

template <class T>
bool TaskMonitor::is_done(const char* step, const StoreResult<T>& result) {
  if (result) {
    reporter_.succeeded(step);
  } else {
    reporter_.failed(step, result.error());
  }
  return result.has_value();
}

void TaskMonitor::promote() {
  static_cast<void>(
      is_done("look for scheduled jobs", store_.promote_due(std::chrono::system_clock::now())));
}

void TaskMonitor::beat() {
  static_cast<void>(is_done("heartbeat", store_.heartbeat(health_())));
}

void TaskMonitor::rescue() {
  // A rescue takes the claims that the results need.
  const std::vector<std::string> spared = spool_.deliver();
  static_cast<void>(
      is_done("rescue jobs", store_.rescue_except(spared, std::chrono::system_clock::now())));
}

void TaskMonitor::trim() {
  using std::chrono::system_clock;
  const auto before = base::earlier<system_clock>(system_clock::now(), dead_lifetime_);
  const auto trimmed = store_.trim_dead(before);
  if (is_done("forget the dead", trimmed) && *trimmed > 0) {
    log_.warn("forgot " + std::to_string(*trimmed) + " dead jobs older than " +
              std::to_string(dead_lifetime_.count() / 24) + " days");
  }
}

bool TaskMonitor::wait(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  base::MutexLock lock(mutex_);
  while (!stopping_) {
    if (!changed_.wait_until(mutex_, until)) return !stopping_;
  }
  return false;
}

}  // namespace patient_http::jobs
