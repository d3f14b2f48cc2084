#include "drivers/net/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>

namespace patient_http::net {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

using Ipv6Bytes = std::span<const std::uint8_t>;

bool begins_with(Ipv6Bytes bytes, std::initializer_list<std::uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

bool are_zero(Ipv6Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

// The interface identifier of ISATAP (RFC 5214), with and without the bit for unique addresses.
bool is_isatap(Ipv6Bytes bytes) {
  const Ipv6Bytes identifier = bytes.subspan(8);
  return begins_with(identifier, {0x00, 0x00, 0x5e, 0xfe}) ||
         begins_with(identifier, {0x02, 0x00, 0x5e, 0xfe});
}

}  // namespace

IpAddress::IpAddress(std::span<const std::uint8_t> bytes) {
  if (bytes.size() == kIpv6Size && std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    bytes = bytes.subspan(kMapped.size());
  }
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  size_ = bytes.size();
}

IpAddress::IpAddress(const Address& address) {
  if (address.family() == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address.get(), sizeof v6);
    *this = IpAddress(std::span<const std::uint8_t>(v6.sin6_addr.s6_addr));
    return;
  }
  sockaddr_in v4{};
  std::memcpy(&v4, address.get(), sizeof v4);
  std::memcpy(bytes_.data(), &v4.sin_addr, kIpv4Size);
  size_ = kIpv4Size;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const auto address = Address::parse(std::string(text), 0);
  // inet_pton() would not look behind a NUL.
  if (!address || text.find('\0') != std::string_view::npos) return std::nullopt;
  return IpAddress(*address);
}

bool IpAddress::is_unspecified() const {
  return are_zero(bytes());
}

std::vector<IpAddress> IpAddress::embedded() const {
  std::vector<IpAddress> found;
  if (is_ipv4()) return found;
  const auto add = [&](std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
    const std::array<std::uint8_t, kIpv4Size> bytes = {bytes_[a], bytes_[b], bytes_[c], bytes_[d]};
    found.push_back(IpAddress(std::span(bytes)));
  };
  const Ipv6Bytes all = bytes();
  const bool is_compatible = are_zero(all.first(12)) && !are_zero(all.first(15));
  const bool is_small = are_zero(all.first(15));  // ::, ::1 and the like
  const bool is_translated = are_zero(all.first(8)) && all[8] == 0xff && all[9] == 0xff &&
                             are_zero(all.subspan(10, 2));  // ::ffff:0:192.0.2.1
  if (is_compatible || is_translated || is_isatap(all)) add(12, 13, 14, 15);
  if (is_small) return found;
  if (begins_with(all, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) add(12, 13, 14, 15);
  if (begins_with(all, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01})) {
    // RFC 6052: how long the prefix is, and so where the address is, is known to the network only.
    // Byte 8 is zero, and what follows the address; with a prefix of 96 bits it comes last.
    const bool has_zero = all[8] == 0;
    if (has_zero && are_zero(all.subspan(11)) && !are_zero(all.subspan(6, 5))) add(6, 7, 9, 10);
    if (has_zero && are_zero(all.subspan(12)) && !are_zero(all.subspan(7, 5))) add(7, 9, 10, 11);
    if (has_zero && are_zero(all.subspan(13)) && !are_zero(all.subspan(9, 4))) add(9, 10, 11, 12);
    if (found.empty() || !are_zero(all.subspan(12))) add(12, 13, 14, 15);
  }
  if (begins_with(all, {0x20, 0x02})) add(2, 3, 4, 5);
  if (begins_with(all, {0x20, 0x01, 0, 0})) {  // Teredo: its server, and the client, inverted
    add(4, 5, 6, 7);
    std::array<std::uint8_t, kIpv4Size> client{};
    std::transform(bytes_.begin() + 12, bytes_.end(), client.begin(),
                   [](std::uint8_t byte) { return static_cast<std::uint8_t>(~byte); });
    found.push_back(IpAddress(std::span<const std::uint8_t>(client)));
  }
  return found;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(is_ipv4() ? AF_INET : AF_INET6, bytes_.data(), buffer.data(), buffer.size());
  return buffer.data();
}

}  // namespace patient_http::net
