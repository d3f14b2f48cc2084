#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "daemon/option_sources.h"

namespace patient_http::daemon {

// Tells systemd how the service is: sd_notify's protocol, a datagram to NOTIFY_SOCKET. Without that
// variable it does nothing.
//
// Thread safety: belongs to one thread.
class ServiceNotifier {
 public:
  explicit ServiceNotifier(const Environment& environment);

  [[nodiscard]] bool is_heard() const { return !socket_.empty(); }
  // How often a sign of life is expected: half of WATCHDOG_USEC, if that is meant for this process.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_period() const {
    return watchdog_period_;
  }

  // "READY=1", or several lines. What cannot be sent is lost.
  void notify(const std::string& state) const;
  // RELOADING=1 with the time that systemd asks for.
  void notify_reloading() const;

 private:
  std::string socket_;
  std::optional<std::chrono::microseconds> watchdog_period_;
};

}  // namespace patient_http::daemon
