#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "patient_http/task_handler.h"

namespace patient_http::test {

// What a handler was told of one task.
struct RecordedOutcome {
  std::string id;
  std::optional<Response> response;
  std::optional<Error> error;  // neither: the task was to be retried
  std::chrono::steady_clock::time_point at;

  [[nodiscard]] bool is_retry() const { return !response && !error; }
};

// Keeps what it is told, and lets tests wait for it.
class RecordingTaskHandler final : public TaskHandler {
 public:
  void on_complete(std::unique_ptr<RequestTask> task, Response response) override {
    record({task->id(), std::move(response), std::nullopt, std::chrono::steady_clock::now()});
  }
  void on_error(std::unique_ptr<RequestTask> task, Error error) override {
    record({task->id(), std::nullopt, std::move(error), std::chrono::steady_clock::now()});
  }
  void retry(std::unique_ptr<RequestTask> task) override {
    record({task->id(), std::nullopt, std::nullopt, std::chrono::steady_clock::now()});
  }

  // What came so far, after waiting until it is `count` or more. Fewer after `patience`.
  std::vector<RecordedOutcome> wait_for(std::size_t count,
                                        std::chrono::seconds patience = std::chrono::seconds(30)) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return outcomes_.size() >= count; });
    return outcomes_;
  }

 private:
  void record(RecordedOutcome outcome) {
    {
      std::lock_guard lock(mutex_);
      outcomes_.push_back(std::move(outcome));
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<RecordedOutcome> outcomes_;
};

// A task for a GET, or for whatever the options say.
inline std::unique_ptr<RequestTask> make_task(RequestOptions request, TaskHandler& handler,
                                              RequestTaskOptions options = {}) {
  return std::make_unique<RequestTask>(Request::create(std::move(request)).value(), handler,
                                       std::move(options));
}

inline std::unique_ptr<RequestTask> get(const std::string& url, TaskHandler& handler,
                                        const std::string& id = "") {
  return make_task({.url = url}, handler, {.id = id});
}

}  // namespace patient_http::test
