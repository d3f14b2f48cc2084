#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "drivers/net/address.h"
#include "drivers/net/fd.h"

namespace patient_http::test {

// Accepts no connections: its queue is full, so that each further one hangs.
class HangingServer {
 public:
  HangingServer(const std::string& ip, int port) {
    const net::Address address = net::Address::parse(ip, static_cast<std::uint16_t>(port)).value();
    const auto open = [&] {
      return net::Fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    };
    listener_ = open();
    const int on = 1;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener_.get(), address.get(), address.length()) != 0 ||
        ::listen(listener_.get(), 0) != 0) {
      throw std::runtime_error("cannot listen on " + address.text());
    }
    // One that is taken into the queue is writable soon; the first that is not has filled it.
    for (pollfd ready{}; fillers_.size() < 10;) {
      fillers_.push_back(open());
      ::connect(fillers_.back().get(), address.get(), address.length());
      ready = {.fd = fillers_.back().get(), .events = POLLOUT, .revents = 0};
      if (::poll(&ready, 1, 100) == 0) return;
    }
    throw std::runtime_error("connections do not hang at " + address.text());
  }

  // Empties the queue: who hangs gets through with the next packet that is sent again.
  void make_room() {
    fillers_.clear();
    while (net::Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC))) {
    }
  }

 private:
  net::Fd listener_;
  std::vector<net::Fd> fillers_;
};

}  // namespace patient_http::test
