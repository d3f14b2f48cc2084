#include "drivers/net/address_range.h"

#include <charconv>
#include <cstdint>

namespace patient_http::net {

namespace {

constexpr unsigned kBitsOfMapped = 96;  // of the prefix of "::ffff:192.0.2.1"

std::optional<unsigned> parse_prefix(std::string_view text, unsigned most) {
  unsigned prefix = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, prefix);
  if (error != std::errc() || stopped != end || prefix > most) return std::nullopt;
  return prefix;
}

bool has_bit(std::span<const std::uint8_t> bytes, unsigned bit) {
  return (unsigned{bytes[bit / 8]} >> (7 - bit % 8) & 1U) != 0;
}

}  // namespace

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view ip = text.substr(0, slash);
  const auto address = IpAddress::parse(ip);
  if (!address) return std::nullopt;
  const auto bits = static_cast<unsigned>(address->bytes().size() * 8);
  if (slash == std::string_view::npos) return AddressRange(*address, bits);
  const bool is_mapped = address->is_ipv4() && ip.find(':') != std::string_view::npos;
  const unsigned left_out = is_mapped ? kBitsOfMapped : 0;
  const auto prefix = parse_prefix(text.substr(slash + 1), left_out + bits);
  if (!prefix || *prefix < left_out) return std::nullopt;
  return AddressRange(*address, *prefix - left_out);
}

bool AddressRange::contains(const IpAddress& address) const {
  const auto ours = first_.bytes();
  const auto theirs = address.bytes();
  if (ours.size() != theirs.size()) return false;
  for (unsigned bit = 0; bit < prefix_; ++bit) {
    if (has_bit(ours, bit) != has_bit(theirs, bit)) return false;
  }
  return true;
}

bool AddressRange::has_bits_behind_prefix() const {
  for (unsigned bit = prefix_; bit < first_.bytes().size() * 8; ++bit) {
    if (has_bit(first_.bytes(), bit)) return true;
  }
  return false;
}

std::string AddressRange::text() const {
  if (prefix_ == first_.bytes().size() * 8) return first_.text();
  return first_.text() + "/" + std::to_string(prefix_);
}

}  // namespace patient_http::net
