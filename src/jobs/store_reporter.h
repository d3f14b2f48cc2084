#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "base/mutex.h"
#include "jobs/store_failure.h"
#include "patient_http/log.h"

namespace patient_http::jobs {

// Tells the log that the store is down, and that it is back: one line each, however many threads
// try however often, and a line now and then in between. A step that failed must succeed, or be
// given up, before the store counts as back: one whose disk is full can still be read.
//
// Thread safety: all methods may be called from any thread.
class StoreReporter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit StoreReporter(Log log) : log_(std::move(log)) {}

  // `step` ("claim jobs") failed with kUnavailable and will be tried again. Other kinds are logged
  // each time.
  void failed(const std::string& step, const StoreFailure& failure, TimePoint now = clock_now());
  // Costs next to nothing while nothing has failed.
  void succeeded(const std::string& step, TimePoint now = clock_now());
  // `step` will not be tried again.
  void gave_up(const std::string& step);

  // `step` failed for good, and its caller says so: only last_failure() knows of it here.
  void refused(const std::string& step, const StoreFailure& failure);

  struct LastFailure {
    std::string text;  // "claim jobs: …", at most 500 bytes
    std::chrono::system_clock::time_point time;
  };
  // Of all steps, whether they succeeded since or not.
  [[nodiscard]] std::optional<LastFailure> last_failure() const;

  [[nodiscard]] bool is_down() const { return is_down_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] static TimePoint clock_now() { return std::chrono::steady_clock::now(); }

  const Log log_;
  std::atomic<bool> is_down_{false};
  mutable base::Mutex mutex_;
  std::optional<LastFailure> last_failure_ GUARDED_BY(mutex_);
  std::set<std::string> failing_ GUARDED_BY(mutex_);
  TimePoint since_ GUARDED_BY(mutex_);
  TimePoint last_line_ GUARDED_BY(mutex_);
  bool is_reported_ GUARDED_BY(mutex_) = false;  // this time that it is down
};

}  // namespace patient_http::jobs
