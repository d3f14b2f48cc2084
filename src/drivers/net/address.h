#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace patient_http::net {

// An IP address with a port.
class Address {
 public:
  // `ip` in the usual notation of IPv4 or IPv6, without brackets; empty when it is no address.
  [[nodiscard]] static std::optional<Address> parse(const std::string& ip, std::uint16_t port);
  // Copies an IPv4 or IPv6 socket address. REQUIRES: length fits.
  Address(const sockaddr* address, socklen_t length);

  [[nodiscard]] const sockaddr* get() const;
  [[nodiscard]] socklen_t length() const { return length_; }
  [[nodiscard]] int family() const { return storage_.ss_family; }
  [[nodiscard]] std::uint16_t port() const;
  void set_port(std::uint16_t port);
  // Whether the two differ in nothing but the port.
  [[nodiscard]] bool has_ip_of(const Address& other) const;
  // "192.0.2.1:443" or "[2001:db8::1]:443"
  [[nodiscard]] std::string text() const;

 private:
  Address() = default;

  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace patient_http::net
