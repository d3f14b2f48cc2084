#pragma once

#include <chrono>
#include <cstdint>

#include "base/mutex.h"

namespace patient_http::jobs {

// Lets threads wait for work that may also come from elsewhere.
//
// Thread safety: all methods may be called from any thread.
class WorkSignal {
 public:
  enum class Event { kWork, kWoken, kDeadline };

  // Read it before looking for work: what is announced after that ends the wait at once.
  struct Seen {
    std::uint64_t announced;
    std::uint64_t woken;
  };
  [[nodiscard]] Seen now() const;

  void announce();
  // Ends all waits under way; where none is, take_wake() of the next one tells.
  void wake();
  // Whether wake() was called since a wait last ended by it.
  [[nodiscard]] bool take_wake();

  [[nodiscard]] Event wait(const Seen& seen, std::chrono::steady_clock::time_point deadline);

 private:
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::uint64_t announced_ GUARDED_BY(mutex_) = 0;
  std::uint64_t woken_ GUARDED_BY(mutex_) = 0;
  std::uint64_t wakes_taken_ GUARDED_BY(mutex_) = 0;
};

}  // namespace patient_http::jobs
