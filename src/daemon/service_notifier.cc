#include "daemon/service_notifier.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace patient_http::daemon {

namespace {

std::optional<std::int64_t> number_of(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  if (found == environment.end()) return std::nullopt;
  const std::string& text = found->second;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

ServiceNotifier::ServiceNotifier(const Environment& environment) {
  const auto socket = environment.find("NOTIFY_SOCKET");
  if (socket == environment.end()) return;
  // A path, or an abstract name behind '@'.
  const std::string& name = socket->second;
  if (name.empty() || (name[0] != '/' && name[0] != '@')) return;
  if (name.size() >= sizeof(sockaddr_un::sun_path)) return;
  socket_ = name;
  const auto period = number_of(environment, "WATCHDOG_USEC");
  const auto process = number_of(environment, "WATCHDOG_PID");
  if (period && *period > 0 && process.value_or(::getpid()) == ::getpid())
    watchdog_period_ = std::chrono::microseconds(std::max<std::int64_t>(*period / 2, 1));
}

void ServiceNotifier::notify(const std::string& state) const {
  if (socket_.empty()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(socket_.begin(), socket_.end(), std::begin(address.sun_path));
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  // A reader that does not read must not hold the service up.
  const timeval patience{1, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what the socket API takes
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  static_cast<void>(::sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL, to, length));
  ::close(descriptor);
}

void ServiceNotifier::notify_reloading() const {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  notify("RELOADING=1\nMONOTONIC_USEC=" +
         std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
}

}  // namespace patient_http::daemon
