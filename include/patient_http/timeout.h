#pragma once

#include <chrono>
#include <concepts>

#include "patient_http/json.h"

namespace patient_http {

using Seconds = std::chrono::duration<double>;

// A span of time that remembers whether it was given as whole seconds: 30 and 30.0 are different
// texts in JSON, and Ruby writes whichever it was given. Made from any std::chrono duration:
// seconds and coarser units of an integer type are whole, all others are not.
class Timeout {
 public:
  template <class Rep, class Period>
  Timeout(std::chrono::duration<Rep, Period> value)
      : seconds_(value),
        is_whole_(std::integral<Rep> && std::ratio_greater_equal_v<Period, std::ratio<1>>) {}

  [[nodiscard]] Seconds seconds() const noexcept { return seconds_; }
  operator Seconds() const noexcept { return seconds_; }

  // 30 or 30.0. REQUIRES: a finite value.
  [[nodiscard]] Json to_json() const;

  friend bool operator==(const Timeout&, const Timeout&) = default;

 private:
  Seconds seconds_;
  bool is_whole_;
};

}  // namespace patient_http
