#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace patient_http::jobs {

// What a process tells of itself with each heartbeat, for a person who asks how it is.
struct ProcessHealth {
  enum class State {
    kRunning,
    kQuiet,     // takes no further requests
    kStopping,  // the same, and puts back what does not end in time
  };
  State state = State::kRunning;
  std::size_t in_flight = 0;  // requests taken whose result is not stored yet
  // The last step of the store that failed, and how, without a payload; empty: none did.
  std::string last_store_error = {};
  std::chrono::system_clock::time_point last_store_error_at = {};
};

// Called by any thread; must not wait for anything.
using HealthFunction = std::function<ProcessHealth()>;

// "running", "quiet" or "stopping".
[[nodiscard]] constexpr std::string_view to_string(ProcessHealth::State state) {
  switch (state) {
    case ProcessHealth::State::kRunning:
      return "running";
    case ProcessHealth::State::kQuiet:
      return "quiet";
    case ProcessHealth::State::kStopping:
      break;
  }
  return "stopping";
}

}  // namespace patient_http::jobs
