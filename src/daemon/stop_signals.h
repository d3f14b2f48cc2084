#pragma once

#include <chrono>

namespace patient_http::daemon {

// SIGINT, SIGTERM and SIGHUP, taken when they are asked for instead of interrupting a thread. Make
// one in main() before any other thread: threads inherit that the signals are blocked.
class StopSignals {
 public:
  StopSignals();

  // The number of a signal that came, or 0 when none came within `patience`. Once one came, it is
  // given at once each time.
  [[nodiscard]] int wait(std::chrono::milliseconds patience);
  // From now on the signals end the program at once: for a second Ctrl-C, and while a file is
  // opened, which may wait for ever.
  void restore();
  // Takes them again after restore().
  void block();

 private:
  int received_ = 0;
};

}  // namespace patient_http::daemon
