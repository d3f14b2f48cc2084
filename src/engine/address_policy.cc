#include "engine/address_policy.h"

#include <algorithm>
#include <utility>

#include "base/url.h"
#include "drivers/net/local_address.h"
#include "drivers/net/special_ranges.h"
#include "engine/host_pattern.h"

namespace patient_http::engine {

namespace {

using net::AddressRange;
using net::IpAddress;

// "a.test.." is looked up as "a.test" by some.
std::string_view without_points(std::string_view host) {
  while (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

// RFC 6761: what these names mean is known without a look-up, whoever does it.
bool is_localhost(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost");
}

const AddressRange* find_range(const std::vector<AddressRange>& ranges, const IpAddress& address) {
  const auto found = std::find_if(ranges.begin(), ranges.end(), [&](const AddressRange& range) {
    return range.contains(address);
  });
  return found != ranges.end() ? &*found : nullptr;
}

bool is_in(const std::vector<std::uint16_t>& ports, std::uint16_t port) {
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

std::string place(const IpAddress& ip, std::uint16_t port) {
  return (ip.is_ipv4() ? ip.text() : "[" + ip.text() + "]") + ":" + std::to_string(port);
}

}  // namespace

bool AddressPolicy::HostRule::fits(std::string_view host, std::uint16_t port) const {
  return HostPattern::parse(text)->fits(host, port);
}

bool AddressPolicy::HostRule::fits(const IpAddress& ip, std::uint16_t port) const {
  return address && *address == ip && HostPattern::parse(text)->port().value_or(port) == port;
}

AddressPolicy::AddressPolicy(const NetworkPolicy& policy, std::string name,
                             const AddressPolicy* besides, IsLocal is_local)
    : name_(std::move(name)),
      besides_(besides),
      is_local_(is_local ? std::move(is_local) : IsLocal(net::is_local_address)),
      denies_private_(policy.deny_private_networks),
      allowed_networks_(ranges_of(policy.allow_networks)),
      denied_networks_(ranges_of(policy.deny_networks)),
      allowed_hosts_(host_rules_of(policy.allow_hosts)),
      denied_hosts_(host_rules_of(policy.deny_hosts)),
      allowed_ports_(policy.allow_ports),
      denied_ports_(policy.deny_ports),
      own_addresses_(own_addresses_of(policy.own_addresses)) {}

std::vector<AddressRange> AddressPolicy::ranges_of(const std::vector<std::string>& networks) {
  std::vector<AddressRange> ranges;
  ranges.reserve(networks.size());
  for (const std::string& network : networks) {
    ranges.push_back(AddressRange::parse(network).value());
  }
  return ranges;
}

std::vector<AddressPolicy::HostRule> AddressPolicy::host_rules_of(
    const std::vector<std::string>& hosts) {
  std::vector<HostRule> rules;
  rules.reserve(hosts.size());
  for (const std::string& host : hosts) {
    rules.push_back({host, IpAddress::parse(HostPattern::parse(host).value().host())});
  }
  return rules;
}

std::vector<AddressPolicy::OwnAddress> AddressPolicy::own_addresses_of(
    const std::vector<std::string>& addresses) {
  std::vector<OwnAddress> own;
  own.reserve(addresses.size());
  for (const std::string& address : addresses) {
    const auto pattern = HostPattern::parse(address).value();
    own.push_back({IpAddress::parse(pattern.host()).value(), pattern.port().value()});
  }
  return own;
}

bool AddressPolicy::allows_all() const {
  return !denies_private_ && denied_networks_.empty() && denied_hosts_.empty() &&
         allowed_ports_.empty() && denied_ports_.empty() && own_addresses_.empty() &&
         (besides_ == nullptr || besides_->allows_all());
}

std::optional<std::string> AddressPolicy::refusal_of_host(const std::string& host,
                                                          std::uint16_t port) const {
  if (besides_ != nullptr) {
    if (auto why = besides_->refusal_of_host(host, port)) return why;
  }
  if (is_in(denied_ports_, port)) {
    return "port " + std::to_string(port) + " is denied by " + rule("deny_ports");
  }
  if (!allowed_ports_.empty() && !is_in(allowed_ports_, port)) {
    return "port " + std::to_string(port) + " is not in " + rule("allow_ports");
  }
  const std::string_view name = without_points(host);
  if (const auto address = IpAddress::parse(name)) return refusal_of_address(name, port, *address);
  for (const HostRule& denied : denied_hosts_) {
    if (denied.fits(name, port)) {
      return "the host is denied by " + rule("deny_hosts") + " (" + denied.text + ")";
    }
  }
  if (is_localhost(name)) {
    return refusal_of_address(name, port, IpAddress::parse("127.0.0.1").value());
  }
  return std::nullopt;
}

std::optional<std::string> AddressPolicy::refusal(const std::string& host,
                                                  const net::Address& address) const {
  if (besides_ != nullptr) {
    if (auto why = besides_->refusal(host, address)) return why;
  }
  return refusal_of_address(without_points(host), address.port(), IpAddress(address));
}

std::optional<std::string> AddressPolicy::refusal_of_address(std::string_view host,
                                                             std::uint16_t port,
                                                             const IpAddress& address) const {
  const bool may_be_private = !denies_private_ || is_allowed_host(host, port, address);
  const auto why = [&](const IpAddress& ip) {
    auto denied = why_denied(port, ip);
    return denied || may_be_private ? denied : why_private(ip);
  };
  // What is inside first: it says more.
  for (const IpAddress& inner : address.embedded()) {
    if (const auto denied = why(inner)) {
      return address.text() + " may lead to an IPv4 address, and " + *denied;
    }
  }
  return why(address);
}

std::optional<std::string> AddressPolicy::why_denied(std::uint16_t port,
                                                     const IpAddress& address) const {
  if (is_own(port, address)) {
    return place(address, port) + " is an address of this program (" + rule("own_addresses") + ")";
  }
  if (const AddressRange* denied = find_range(denied_networks_, address)) {
    return address.text() + " is denied by " + rule("deny_networks") + " (" + denied->text() + ")";
  }
  for (const HostRule& denied : denied_hosts_) {
    if (denied.fits(address, port)) {
      return address.text() + " is denied by " + rule("deny_hosts") + " (" + denied.text + ")";
    }
  }
  return std::nullopt;
}

std::optional<std::string> AddressPolicy::why_private(const IpAddress& address) const {
  if (find_range(allowed_networks_, address) != nullptr) return std::nullopt;
  for (const net::SpecialRange& special : net::special_ranges()) {
    if (!special.range.contains(address)) continue;
    return address.text()
        .append(" is ")
        .append(special.name)
        .append(" (")
        .append(special.network)
        .append("), denied by ")
        .append(rule("deny_private_networks"));
  }
  return std::nullopt;
}

// 0.0.0.0 and :: reach whatever listens at one of the machine's addresses.
bool AddressPolicy::is_own(std::uint16_t port, const IpAddress& address) const {
  return std::any_of(own_addresses_.begin(), own_addresses_.end(), [&](const OwnAddress& own) {
    if (own.port != port) return false;
    return own.ip == address || address.is_unspecified() ||
           (own.ip.is_unspecified() && is_local_(address));
  });
}

bool AddressPolicy::is_allowed_host(std::string_view host, std::uint16_t port,
                                    const IpAddress& address) const {
  return std::any_of(allowed_hosts_.begin(), allowed_hosts_.end(), [&](const HostRule& allowed) {
    if (allowed.address) return allowed.fits(address, port);
    return !IpAddress::parse(host) && allowed.fits(host, port);
  });
}

std::string AddressPolicy::rule(std::string_view field) const {
  return name_ + "." + std::string(field);
}

}  // namespace patient_http::engine
