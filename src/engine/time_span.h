#pragma once

#include <algorithm>
#include <chrono>

#include "patient_http/timeout.h"

namespace patient_http::engine {

// A year stands for ever, and keeps times inside the clock's range.
[[nodiscard]] inline std::chrono::nanoseconds bounded_span(Seconds seconds) {
  constexpr Seconds kForever{365.0 * 24 * 3600};
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::min(seconds, kForever));
}

}  // namespace patient_http::engine
