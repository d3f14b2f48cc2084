#include "drivers/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace patient_http::net {

std::optional<Address> Address::parse(const std::string& ip, std::uint16_t port) {
  Address address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, ip.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    std::memcpy(&address.storage_, &v4, sizeof v4);
    address.length_ = sizeof v4;
  } else if (inet_pton(AF_INET6, ip.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    std::memcpy(&address.storage_, &v6, sizeof v6);
    address.length_ = sizeof v6;
  } else {
    return std::nullopt;
  }
  address.set_port(port);
  return address;
}

Address::Address(const sockaddr* address, socklen_t length) : length_(length) {
  std::memcpy(&storage_, address, length);
}

const sockaddr* Address::get() const {
  return reinterpret_cast<const sockaddr*>(&storage_);
}

// The port stands at the same place in both families.
static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));

std::uint16_t Address::port() const {
  std::uint16_t network_order = 0;
  std::memcpy(&network_order,
              reinterpret_cast<const char*>(&storage_) + offsetof(sockaddr_in, sin_port),
              sizeof network_order);
  return ntohs(network_order);
}

void Address::set_port(std::uint16_t port) {
  const std::uint16_t network_order = htons(port);
  std::memcpy(reinterpret_cast<char*>(&storage_) + offsetof(sockaddr_in, sin_port), &network_order,
              sizeof network_order);
}

bool Address::has_ip_of(const Address& other) const {
  if (family() != other.family()) return false;
  Address with_port = other;
  with_port.set_port(port());
  return length_ == with_port.length_ && std::memcmp(&storage_, &with_port.storage_, length_) == 0;
}

std::string Address::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (family() == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage_, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, buffer.data(), buffer.size());
    return "[" + std::string(buffer.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  sockaddr_in v4{};
  std::memcpy(&v4, &storage_, sizeof v4);
  inet_ntop(AF_INET, &v4.sin_addr, buffer.data(), buffer.size());
  return std::string(buffer.data()) + ":" + std::to_string(ntohs(v4.sin_port));
}

}  // namespace patient_http::net
