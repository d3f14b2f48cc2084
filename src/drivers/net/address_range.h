#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "drivers/net/ip_address.h"

namespace patient_http::net {

// All addresses of a network: "10.0.0.0/8", "fc00::/7", or a single address. A network in the form
// of IPv4-mapped addresses ("::ffff:10.0.0.0/104") is the one of IPv4 ("10.0.0.0/8").
class AddressRange {
 public:
  // Nothing when it is no network, or begins as IPv4-mapped addresses do and has more than those
  // in it.
  [[nodiscard]] static std::optional<AddressRange> parse(std::string_view text);

  // Bits that follow the prefix do not count.
  [[nodiscard]] bool contains(const IpAddress& address) const;
  // Whether one of these is set: "10.0.0.1/8".
  [[nodiscard]] bool has_bits_behind_prefix() const;
  // "10.0.0.0/8"; a single address without its prefix.
  [[nodiscard]] std::string text() const;

 private:
  AddressRange(IpAddress first, unsigned prefix) : first_(first), prefix_(prefix) {}

  IpAddress first_;  // or any other of it
  unsigned prefix_;  // bits that count
};

}  // namespace patient_http::net
