#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/net/address.h"

namespace patient_http::net {

// An IP address as a number, whatever it was written as: an IPv4 address in the form of an IPv6
// one ("::ffff:192.0.2.1") is that IPv4 address.
class IpAddress {
 public:
  // The usual notation of IPv4 or IPv6, without brackets; nothing when it is no address. A zone
  // ("fe80::1%eth0") is not part of an address.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  // Without its port and zone.
  explicit IpAddress(const Address& address);

  [[nodiscard]] bool is_ipv4() const { return size_ == kIpv4Size; }
  // 0.0.0.0 or ::, which reach this machine.
  [[nodiscard]] bool is_unspecified() const;
  // 4 or 16, in network order.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {bytes_.data(), size_}; }
  // The IPv4 addresses to which somebody on the way may send what is sent to this IPv6 address:
  // IPv4-compatible and -translated, NAT64, 6to4, Teredo and ISATAP. Where a form leaves open at
  // which place the address is, all that it may be.
  [[nodiscard]] std::vector<IpAddress> embedded() const;
  // "192.0.2.1" or "2001:db8::1"
  [[nodiscard]] std::string text() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  static constexpr std::size_t kIpv4Size = 4;
  static constexpr std::size_t kIpv6Size = 16;

  explicit IpAddress(std::span<const std::uint8_t> bytes);

  // What is not used is zero.
  std::array<std::uint8_t, kIpv6Size> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace patient_http::net
