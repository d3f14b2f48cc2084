#include "drivers/net/address_order.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace patient_http::net {

namespace {

constexpr std::size_t kMostNames = 1000;
constexpr std::chrono::minutes kLife{10};

}  // namespace

std::vector<Address> interleave(const std::vector<Address>& addresses) {
  std::vector<Address> ordered = addresses;
  if (ordered.empty()) return ordered;
  const int first_family = ordered.front().family();
  const auto others = std::stable_partition(
      ordered.begin(), ordered.end(),
      [&](const Address& address) { return address.family() == first_family; });
  std::vector<Address> result;
  result.reserve(ordered.size());
  auto first = ordered.begin();
  auto other = others;
  while (first != others || other != ordered.end()) {
    if (first != others) result.push_back(*first++);
    if (other != ordered.end()) result.push_back(*other++);
  }
  return result;
}

void AddressOrder::prefer(const std::string& host, const Address& address, TimePoint now) {
  if (preferred_.size() >= kMostNames && !preferred_.contains(host)) {
    std::erase_if(preferred_, [&](const auto& entry) { return entry.second.until <= now; });
    if (preferred_.size() >= kMostNames) preferred_.clear();
  }
  preferred_.insert_or_assign(host, Preferred{address, now + kLife});
}

std::vector<Address> AddressOrder::order(const std::string& host,
                                         const std::vector<Address>& addresses, TimePoint now) {
  std::vector<Address> ordered = interleave(addresses);
  const auto it = preferred_.find(host);
  if (it == preferred_.end()) return ordered;
  if (it->second.until <= now) {
    preferred_.erase(it);
    return ordered;
  }
  const auto place = std::find_if(ordered.begin(), ordered.end(), [&](const Address& address) {
    return address.has_ip_of(it->second.address);
  });
  if (place != ordered.end()) std::rotate(ordered.begin(), place, place + 1);
  return ordered;
}

}  // namespace patient_http::net
