#pragma once

#include <chrono>

namespace patient_http::base {

// The time of day, where a part's decisions depend on it; tests give a clock that they turn.
// Time spans are measured with std::chrono::steady_clock, not with this.
//
// Thread safety: now() may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::chrono::system_clock::time_point now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::chrono::system_clock::time_point now() const override {
    return std::chrono::system_clock::now();
  }
};

}  // namespace patient_http::base
