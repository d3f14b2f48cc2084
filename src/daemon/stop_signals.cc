#include "daemon/stop_signals.h"

#include <csignal>
#include <ctime>

namespace patient_http::daemon {

namespace {

sigset_t stop_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  block();
  // A reader of our output that goes away is an error of writing, not the end.
  std::signal(SIGPIPE, SIG_IGN);
  // So is a file that has reached the limit of its size.
  std::signal(SIGXFSZ, SIG_IGN);
}

int StopSignals::wait(std::chrono::milliseconds patience) {
  if (received_ != 0) return received_;
  const sigset_t set = stop_set();
  const std::timespec time{static_cast<std::time_t>(patience.count() / 1000),
                           static_cast<long>(patience.count() % 1000 * 1'000'000)};
  const int signal = sigtimedwait(&set, nullptr, &time);
  if (signal > 0) received_ = signal;
  return received_;
}

void StopSignals::restore() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGHUP, SIG_DFL);
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void StopSignals::block() {
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace patient_http::daemon
