#include "drivers/net/special_ranges.h"

#include <array>
#include <vector>

namespace patient_http::net {

namespace {

struct Row {
  std::string_view network;
  std::string_view name;
};

// IANA's registries of special-purpose addresses, and what clouds put their metadata at.
constexpr std::array kRows = std::to_array<Row>({
    {"0.0.0.0/8", "an address of this network"},
    {"10.0.0.0/8", "a private address"},
    {"100.64.0.0/10", "a shared address of a carrier (CGNAT)"},
    {"127.0.0.0/8", "a loopback address"},
    {"168.63.129.16/32", "a cloud's metadata address"},  // Azure's, among public ones
    {"169.254.0.0/16", "a link-local address"},
    {"172.16.0.0/12", "a private address"},
    {"192.0.0.0/24", "an address of a protocol (IETF)"},
    {"192.0.2.0/24", "a documentation address"},
    {"192.88.99.0/24", "a 6to4 relay's address"},
    {"192.168.0.0/16", "a private address"},
    {"198.18.0.0/15", "a benchmarking address"},
    {"198.51.100.0/24", "a documentation address"},
    {"203.0.113.0/24", "a documentation address"},
    {"224.0.0.0/4", "a multicast address"},
    {"255.255.255.255/32", "the broadcast address"},
    {"240.0.0.0/4", "a reserved address"},

    {"::/128", "the unspecified address"},
    {"::1/128", "the loopback address"},
    {"::/96", "an IPv4-compatible address"},
    {"::ffff:0:0:0/96", "an IPv4-translated address"},
    {"64:ff9b::/96", "a NAT64 address"},
    {"64:ff9b:1::/48", "a NAT64 address"},
    {"100::/64", "an address that is discarded"},
    {"2001::/32", "a Teredo address"},
    {"2001:2::/48", "a benchmarking address"},
    {"2001:10::/28", "an ORCHID"},
    {"2001:20::/28", "an ORCHID"},
    {"2001::/23", "an address of a protocol (IETF)"},
    {"2001:db8::/32", "a documentation address"},
    {"2002::/16", "a 6to4 address"},
    {"3fff::/20", "a documentation address"},
    {"5f00::/16", "a segment routing address"},
    {"fc00::/7", "a unique local address"},
    {"fe80::/10", "a link-local address"},
    {"fec0::/10", "a site-local address"},
    {"ff00::/8", "a multicast address"},
    {"::/3", "a reserved address"},
    {"4000::/2", "a reserved address"},
    {"8000::/1", "a reserved address"},
});

}  // namespace

std::span<const SpecialRange> special_ranges() {
  static const std::vector<SpecialRange> kRanges = [] {
    std::vector<SpecialRange> ranges;
    ranges.reserve(kRows.size());
    for (const Row& row : kRows) {
      ranges.push_back({row.network, row.name, AddressRange::parse(row.network).value()});
    }
    return ranges;
  }();
  return kRanges;
}

}  // namespace patient_http::net
