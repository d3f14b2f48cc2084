#pragma once

#include <span>
#include <string_view>

#include "drivers/net/address_range.h"

namespace patient_http::net {

// Addresses that are not those of a public server.
struct SpecialRange {
  std::string_view network;  // "169.254.0.0/16"
  std::string_view name;     // "a link-local address"
  AddressRange range;
};

// All of them; where one lies within another it stands before it. Every IPv6 address outside
// 2000::/3, which alone is given to public servers, is in one of them.
[[nodiscard]] std::span<const SpecialRange> special_ranges();

}  // namespace patient_http::net
