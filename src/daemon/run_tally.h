#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/mutex.h"
#include "daemon/run_failure.h"

namespace patient_http::daemon {

// Where a run stands, over all its starts.
struct RunCounts {
  std::uint64_t lines = 0;      // of the input that were taken, blank and bad ones included
  std::uint64_t pushed = 0;     // requests given to the store
  std::uint64_t bad_lines = 0;  // reported and left out
  bool input_done = false;
  std::uint64_t succeeded = 0;  // lines of output with a response
  std::uint64_t failed = 0;     // lines of output with an error

  [[nodiscard]] std::uint64_t written() const { return succeeded + failed; }
  [[nodiscard]] bool is_complete() const { return input_done && written() == pushed; }
};

// The counts, shared by the threads of a run, and the first failure among them.
//
// Thread safety: all methods may be called from any thread.
class RunTally {
 public:
  explicit RunTally(const RunCounts& resumed) : counts_(resumed) {}

  [[nodiscard]] RunCounts counts() const {
    base::MutexLock lock(mutex_);
    return counts_;
  }
  void taken(std::uint64_t lines, std::uint64_t pushed, std::uint64_t bad_lines, bool input_done) {
    base::MutexLock lock(mutex_);
    counts_.lines += lines;
    counts_.pushed += pushed;
    counts_.bad_lines += bad_lines;
    counts_.input_done = input_done;
  }
  void written(std::uint64_t succeeded, std::uint64_t failed) {
    base::MutexLock lock(mutex_);
    counts_.succeeded += succeeded;
    counts_.failed += failed;
    changed_.notify_all();
  }
  // The first one counts.
  void fail(RunFailure failure) {
    base::MutexLock lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
    changed_.notify_all();
  }
  [[nodiscard]] std::optional<RunFailure> failure() const {
    base::MutexLock lock(mutex_);
    return failure_;
  }
  // Waits until fewer than `most` requests are pushed and not written, or `patience` is over.
  [[nodiscard]] bool wait_for_room(std::uint64_t most, std::chrono::milliseconds patience) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    base::MutexLock lock(mutex_);
    while (counts_.pushed - counts_.written() >= most) {
      if (failure_ || !changed_.wait_until(mutex_, deadline)) {
        return counts_.pushed - counts_.written() < most;
      }
    }
    return true;
  }

 private:
  mutable base::Mutex mutex_;
  mutable base::CondVar changed_;
  RunCounts counts_ GUARDED_BY(mutex_);
  std::optional<RunFailure> failure_ GUARDED_BY(mutex_);
};

}  // namespace patient_http::daemon
