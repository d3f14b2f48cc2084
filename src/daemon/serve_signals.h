#pragma once

#include <pthread.h>

#include <chrono>

namespace patient_http::daemon {

// The signals of a service, taken when they are asked for: TERM, INT, TSTP, TTIN, HUP. Make one
// before any other thread: threads inherit that the signals are blocked.
//
// Thread safety: wake() may be called from any thread, all others from the one that made it.
class ServeSignals {
 public:
  ServeSignals();

  // The number of a signal that came, or 0 when none came within `patience`, or wake() was called.
  [[nodiscard]] int wait(std::chrono::microseconds patience);
  // Ends wait(), or the next one.
  void wake() const;
  // From now on TERM and INT end the program at once.
  void restore_stop();

 private:
  const pthread_t owner_ = pthread_self();
};

}  // namespace patient_http::daemon
