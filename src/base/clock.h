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

// `time` + `span`, and `time` - `span`; the last or the first time that there is when the result is
// none. For spans of the user's, who says "for ever" with the longest one.
template <class Clock, class Rep, class Period>
[[nodiscard]] typename Clock::time_point later(typename Clock::time_point time,
                                               std::chrono::duration<Rep, Period> span) {
  using Time = typename Clock::time_point;
  using Seconds = std::chrono::duration<double>;
  constexpr Seconds kRoundingError{1};
  const Seconds left = Seconds(Time::max().time_since_epoch()) - time.time_since_epoch();
  if (Seconds(span) > left - kRoundingError) return Time::max();
  return time + std::chrono::duration_cast<typename Clock::duration>(span);
}
template <class Clock, class Rep, class Period>
[[nodiscard]] typename Clock::time_point earlier(typename Clock::time_point time,
                                                 std::chrono::duration<Rep, Period> span) {
  using Time = typename Clock::time_point;
  using Seconds = std::chrono::duration<double>;
  constexpr Seconds kRoundingError{1};
  const Seconds left = Seconds(time.time_since_epoch()) - Time::min().time_since_epoch();
  if (Seconds(span) > left - kRoundingError) return Time::min();
  return time - std::chrono::duration_cast<typename Clock::duration>(span);
}

}  // namespace patient_http::base
