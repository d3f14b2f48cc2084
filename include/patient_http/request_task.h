#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "patient_http/callback_args.h"
#include "patient_http/request.h"

namespace patient_http {

class TaskHandler;

// What was done for a request before it became this task.
struct EarlierAttempts {
  int count = 0;
  std::chrono::system_clock::time_point began_at;  // the first of them

  friend bool operator==(const EarlierAttempts&, const EarlierAttempts&) = default;
};

// What a RequestTask is built from.
struct RequestTaskOptions {
  // Empty: a new UUID. Sent as x-request-id.
  std::string id = {};
  // Name of the callback, for the handler; the engine does not use it.
  std::string callback = {};
  CallbackArgs callback_args = {};
  // The processor's default when unset.
  std::optional<bool> raise_error_responses = std::nullopt;
  // Of a task that was postponed: attempts and time are counted on.
  std::optional<EarlierAttempts> earlier_attempts = std::nullopt;
};

// One request on its way: built by the caller, moved through the processor, and given to its
// TaskHandler at the end. It has one owner at any time. Handlers may derive from it to carry what
// they need to settle it.
class RequestTask {
 public:
  // `handler` must outlive the task.
  RequestTask(Request request, TaskHandler& handler, RequestTaskOptions options = {});
  virtual ~RequestTask();

  RequestTask(const RequestTask&) = delete;
  RequestTask& operator=(const RequestTask&) = delete;

  [[nodiscard]] const std::string& id() const noexcept { return options_.id; }
  [[nodiscard]] const Request& request() const noexcept { return request_; }
  [[nodiscard]] TaskHandler& handler() const noexcept { return *handler_; }
  [[nodiscard]] const std::string& callback() const noexcept { return options_.callback; }
  [[nodiscard]] const CallbackArgs& callback_args() const noexcept {
    return options_.callback_args;
  }
  [[nodiscard]] std::optional<bool> raise_error_responses() const noexcept {
    return options_.raise_error_responses;
  }
  [[nodiscard]] const std::optional<EarlierAttempts>& earlier_attempts() const noexcept {
    return options_.earlier_attempts;
  }

 private:
  Request request_;
  TaskHandler* handler_;
  RequestTaskOptions options_;
};

}  // namespace patient_http
