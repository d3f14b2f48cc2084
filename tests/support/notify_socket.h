#pragma once

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <stdexcept>
#include <string>

namespace patient_http::test {

// systemd's end of NOTIFY_SOCKET: a path, or an abstract name behind '@'.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& name)
      : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), std::begin(address.sun_path));
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    const timeval patience{20, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length) != 0)
      throw std::runtime_error("cannot bind " + name);
  }
  ~NotifySocket() { ::close(descriptor_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  // The next message; empty when none comes within 20 seconds.
  [[nodiscard]] std::string receive() const {
    std::array<char, 4096> bytes{};
    const ssize_t got = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
    return got < 0 ? std::string() : std::string(bytes.data(), static_cast<std::size_t>(got));
  }
  // Reads until one holds `text`; empty when none does.
  [[nodiscard]] std::string receive_with(const std::string& text) const {
    for (;;) {
      std::string message = receive();
      if (message.empty() || message.find(text) != std::string::npos) return message;
    }
  }

 private:
  const int descriptor_;
};

}  // namespace patient_http::test
