#include "engine/task_census.h"

#include <iterator>

namespace patient_http::engine {

void TaskCensus::show(TimePoint enqueued_at, const std::string& id,
                      const std::function<TaskInFlight()>& describe) {
  if (oldest_.size() == most_) {
    if (oldest_.empty() || enqueued_at > std::prev(oldest_.end())->first.first) return;
  }
  std::pair<TimePoint, std::string> key(enqueued_at, id);
  if (oldest_.contains(key)) return;
  oldest_.emplace(std::move(key), describe());
  if (oldest_.size() > most_) oldest_.erase(std::prev(oldest_.end()));
}

void TaskCensus::finish() {
  is_over_ = true;
  std::vector<TaskInFlight> tasks;
  for (auto& [key, task] : oldest_) tasks.push_back(std::move(task));
  {
    base::MutexLock lock(mutex_);
    result_ = std::move(tasks);
  }
  finished_.notify_all();
}

std::optional<std::vector<TaskInFlight>> TaskCensus::wait(TimePoint deadline) {
  base::MutexLock lock(mutex_);
  while (!result_ && finished_.wait_until(mutex_, deadline)) {
  }
  return std::exchange(result_, std::nullopt);
}

}  // namespace patient_http::engine
