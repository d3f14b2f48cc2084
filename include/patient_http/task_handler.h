#pragma once

#include <chrono>
#include <memory>
#include <variant>
#include <vector>

#include "patient_http/error.h"
#include "patient_http/request_task.h"
#include "patient_http/response.h"

namespace patient_http {

// The request did not end: its processor stopped first. It may have been sent, unless
// Request::on_interrupted() makes an error of that.
struct Interrupted {};

// The next attempt is more than a minute off, or the processor stops before it: for handlers that
// can keep the request until then.
struct Postponed {
  std::chrono::system_clock::time_point next_at;
  // For RequestTaskOptions, of the task that makes it.
  EarlierAttempts attempts;
};

using Outcome = std::variant<Response, Error, Interrupted, Postponed>;

// A task and how it ended.
struct SettledTask {
  std::unique_ptr<RequestTask> task;
  Outcome outcome;
};

// Takes the results of tasks. Each task that a processor accepted comes back here exactly once,
// whatever happens.
//
// Thread safety: called from the processor's delivery threads, several at a time; it may block,
// which keeps the tasks' slots occupied. It may enqueue further tasks, and must not stop the
// processor. An exception is logged and the task counts as settled.
class TaskHandler {
 public:
  virtual ~TaskHandler() = default;

  virtual void on_complete(std::unique_ptr<RequestTask> task, Response response) = 0;
  virtual void on_error(std::unique_ptr<RequestTask> task, Error error) = 0;
  // The task was interrupted by a stop: queue it again wherever it came from.
  virtual void retry(std::unique_ptr<RequestTask> task) = 0;

  // Takes what has come together since the last call. The default calls the functions above, one
  // task after the other, each in a try of its own; a handler that writes to a store overrides
  // this to write a batch at once.
  virtual void settle(std::vector<SettledTask> batch);

  // Whether settle() takes Postponed as the outcome of `task`; if not, the processor keeps the task
  // through any wait, and gives it back as Interrupted when it stops. Called on the reactor thread:
  // must not block.
  [[nodiscard]] virtual bool can_postpone(const RequestTask& /*task*/) const { return false; }

  // How long outcomes may wait for others after the last batch, until a tenth of the slots waits
  // for them: for a handler to which small batches are dear. By default not at all.
  [[nodiscard]] virtual std::chrono::milliseconds gathering_time() const {
    return std::chrono::milliseconds(0);
  }
};

}  // namespace patient_http
