#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/http_method.h"
#include "patient_http/processor_observer.h"
#include "patient_http/processor_options.h"
#include "patient_http/request_task.h"
#include "patient_http/result.h"
#include "patient_http/task_handler.h"

namespace patient_http {

// stopped -> starting -> running -> draining -> stopping -> stopped. Draining is optional.
enum class ProcessorState { kStopped, kStarting, kRunning, kDraining, kStopping };

[[nodiscard]] std::string_view to_string(ProcessorState state) noexcept;

// A task that enqueue() did not take, handed back to its caller.
struct RefusedTask {
  enum class Reason { kNotRunning, kAtCapacity };
  Reason reason;
  std::unique_ptr<RequestTask> task;
};

// What a processor is doing, at one moment.
struct ProcessorStatus {
  ProcessorState state = ProcessorState::kStopped;
  // Slots taken: queued, running, and waiting to be settled.
  std::size_t occupied = 0;
  // Waiting for their next attempt, or for room at their origin, without a slot.
  std::size_t parked = 0;
  std::size_t capacity = 0;
  // Of response bodies in memory, those of results that are not settled yet among them.
  std::size_t body_bytes = 0;
  // The longest that the reactor was busy with one turn since start().
  std::chrono::microseconds longest_turn{};
  // Outcomes since start().
  std::uint64_t responses = 0;
  std::uint64_t errors = 0;
  std::uint64_t interrupted = 0;
  std::uint64_t postponed = 0;
};

// A task that has no outcome yet.
struct TaskInFlight {
  std::string id;
  HttpMethod method = HttpMethod::kGet;
  // Where it goes now, redirects followed: "api.example.com" or "[::1]:8080". Neither path nor
  // query.
  std::string host = {};
  // What it is doing: "queue", "host limit" (it waits for room at its origin), "prepare",
  // "resolve", "connect", "tls", "send", "wait", "receive" or "retry wait".
  std::string_view phase = {};
  Seconds age{};    // since enqueue()
  int attempt = 0;  // 0: not started
};

// Carries out RequestTasks concurrently on one reactor thread, and gives each one's result to its
// TaskHandler on delivery threads. No process-wide state but the secrets of register_secret(): a
// program may have several.
//
// Thread safety: all methods may be called from any thread, except stop() and the destructor,
// which must not be called from a TaskHandler, a ProcessorObserver, a Preprocessor or the function
// of a secret.
class Processor final {
 public:
  // Throws std::invalid_argument if an option is out of range, std::runtime_error if TLS or the
  // resolver cannot be set up (a CA file that cannot be read).
  explicit Processor(const ProcessorOptions& options);
  // Stops at once: what is in flight goes to TaskHandler::retry().
  ~Processor();

  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;

  // `observer` must outlive this object. Call before start().
  void add_observer(ProcessorObserver& observer);

  // Starts the threads. Does nothing unless stopped. May be called again after stop().
  void start();
  // Refuses new tasks and finishes the rest. Does nothing unless running.
  void drain();
  // Refuses new tasks, waits up to `timeout` for those in flight, then calls
  // TaskHandler::retry() for each one left. Nothing runs after it returns: it waits for the
  // functions of secrets and the preprocessors that run. Does nothing when stopped.
  void stop(std::chrono::milliseconds timeout);

  // Gives what is in flight, and what is enqueued until the next start(), to TaskHandler::retry()
  // at once. For a stop() on another thread that is to wait no longer.
  void interrupt();

  // Hands `task` to the reactor. Never blocks on I/O.
  [[nodiscard]] Result<void, RefusedTask> enqueue(std::unique_ptr<RequestTask> task);

  // Ends tasks of that id, queued, running or waiting for an attempt, with an error of kind
  // kCancelled. Without effect on a task whose outcome is already known. Returns at once.
  void cancel(std::string_view id);

  [[nodiscard]] const ProcessorOptions& options() const;
  [[nodiscard]] ProcessorState state() const;
  [[nodiscard]] ProcessorStatus status() const;
  // Up to `most` of the tasks without an outcome, the oldest first. The reactor looks at some in
  // each of its turns, so that others are not held up. No value when it has not answered after
  // `patience`; with `most` = 0 that tells whether it turns at all.
  [[nodiscard]] std::optional<std::vector<TaskInFlight>> in_flight(
      std::size_t most, std::chrono::milliseconds patience);
  // How many tasks enqueue() would take now. 0 unless running, and while the room for tasks that
  // wait without a slot is full.
  [[nodiscard]] std::size_t free_slots() const;

  // Waits until nothing is queued, running, waiting for an attempt or unsettled. False when the
  // time came first.
  [[nodiscard]] bool wait_until_idle(std::chrono::milliseconds timeout) const;
  // Waits until free_slots() is `count` or more, or the processor no longer takes tasks. False when
  // the time came first.
  [[nodiscard]] bool wait_for_free_slots(std::size_t count,
                                         std::chrono::milliseconds timeout) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace patient_http
