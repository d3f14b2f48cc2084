#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "patient_http/processor.h"

namespace patient_http::engine {

// Collects the oldest of the tasks that a reactor shows it, some at a time.
//
// Thread safety: wait() may be called from any thread; all others belong to the reactor.
class TaskCensus {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit TaskCensus(std::size_t most) : most_(most) {}

  // `describe` is called when the task is among the oldest so far. One that is shown twice counts
  // once.
  void show(TimePoint enqueued_at, const std::string& id,
            const std::function<TaskInFlight()>& describe);
  // Whether nothing more needs to be shown.
  [[nodiscard]] bool is_full() const { return most_ == 0; }
  void finish();
  [[nodiscard]] bool is_finished() const { return is_over_; }

  // The tasks, the oldest first; no value when the deadline came before finish().
  [[nodiscard]] std::optional<std::vector<TaskInFlight>> wait(TimePoint deadline);

 private:
  const std::size_t most_;
  std::map<std::pair<TimePoint, std::string>, TaskInFlight> oldest_;
  bool is_over_ = false;

  base::Mutex mutex_;
  base::CondVar finished_;
  std::optional<std::vector<TaskInFlight>> result_ GUARDED_BY(mutex_);
};

}  // namespace patient_http::engine
