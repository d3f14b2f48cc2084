#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/mutex.h"
#include "jobs/store_failure.h"
#include "jobs/store_reporter.h"
#include "patient_http/log.h"

namespace patient_http::jobs {

// Repeats a step of the store while the store is down, until the process gives up.
//
// Thread safety: all methods may be called from any thread.
class StorePatience {
 public:
  explicit StorePatience(Log log) : reporter_(std::move(log)) {}

  // For steps that are repeated elsewhere.
  [[nodiscard]] StoreReporter& reporter() { return reporter_; }
  [[nodiscard]] const StoreReporter& reporter() const { return reporter_; }

  // Calls `step` until it succeeds, fails for good, or the deadline of give_up_at() has come.
  // `what` names the step in the log ("complete 12 requests").
  template <class T>
  StoreResult<T> repeat(const std::string& what, const std::function<StoreResult<T>()>& step) {
    for (int tries = 1;; ++tries) {
      StoreResult<T> result = step();
      if (result) {
        if (tries > 1) reporter_.succeeded(what);
        return result;
      }
      const bool is_final = result.error().kind != StoreFailure::Kind::kUnavailable;
      if (is_final) {
        reporter_.refused(what, result.error());
      } else {
        reporter_.failed(what, result.error());
      }
      if (is_final || !wait(tries)) {
        reporter_.gave_up(what);
        return result;
      }
    }
  }

  // From `deadline` on, waits end and a step is tried once.
  void give_up_at(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] bool has_given_up();
  // Waits for ever again.
  void reset();

 private:
  // False when given up.
  bool wait(int tries);

  StoreReporter reporter_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::chrono::steady_clock::time_point deadline_ GUARDED_BY(mutex_) =
      std::chrono::steady_clock::time_point::max();
};

}  // namespace patient_http::jobs
