#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "base/text.h"
#include "patient_http/timeout.h"

namespace patient_http::engine {

// A year stands for ever, and keeps times inside the clock's range.
[[nodiscard]] inline std::chrono::nanoseconds bounded_span(Seconds seconds) {
  constexpr Seconds kForever{365.0 * 24 * 3600};
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::min(seconds, kForever));
}

// "0.5 s", "60 s"
[[nodiscard]] inline std::string exact_seconds(Seconds seconds) {
  std::string text = base::fixed_number(seconds.count(), 3);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

}  // namespace patient_http::engine
