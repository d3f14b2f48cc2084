#include "daemon/serve_signals.h"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <initializer_list>

namespace patient_http::daemon {

namespace {

constexpr int kWake = SIGUSR2;

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

}  // namespace

ServeSignals::ServeSignals() {
  const sigset_t set = set_of({SIGTERM, SIGINT, SIGTSTP, SIGTTIN, SIGHUP, kWake});
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int ServeSignals::wait(std::chrono::microseconds patience) {
  const sigset_t set = set_of({SIGTERM, SIGINT, SIGTSTP, SIGTTIN, SIGHUP, kWake});
  const auto micros = std::max<std::chrono::microseconds::rep>(patience.count(), 0);
  const std::timespec time{static_cast<std::time_t>(micros / 1'000'000),
                           static_cast<long>(micros % 1'000'000 * 1000)};
  const int signal = sigtimedwait(&set, nullptr, &time);
  return signal > 0 && signal != kWake ? signal : 0;
}

void ServeSignals::wake() const {
  pthread_kill(owner_, kWake);
}

void ServeSignals::restore_stop() {
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  const sigset_t set = set_of({SIGTERM, SIGINT});
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace patient_http::daemon
