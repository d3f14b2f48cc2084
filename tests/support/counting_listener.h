#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "drivers/net/address.h"
#include "drivers/net/fd.h"

namespace patient_http::test {

// Listens, and answers nothing: it knows who connected.
class CountingListener {
 public:
  // Port 0: any. An IPv6 address takes no IPv4 connections.
  CountingListener(const std::string& ip, int port) {
    const auto address = net::Address::parse(ip, static_cast<std::uint16_t>(port)).value();
    listener_ = net::Fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.family() == AF_INET6) {
      ::setsockopt(listener_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (::bind(listener_.get(), address.get(), address.length()) != 0 ||
        ::listen(listener_.get(), 64) != 0) {
      throw std::runtime_error("cannot listen on " + address.text());
    }
  }

  // Connections since it was asked last. The kernel takes them, so that one that was opened is
  // counted whatever its client did since.
  int count() {
    int number = 0;
    while (net::Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC))) ++number;
    return number;
  }

 private:
  net::Fd listener_;
};

}  // namespace patient_http::test
