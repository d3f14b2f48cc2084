#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/net/address_gate.h"
#include "drivers/net/address_range.h"
#include "drivers/net/ip_address.h"
#include "patient_http/network_policy.h"

namespace patient_http::engine {

// A NetworkPolicy, ready to decide. Its reasons are for messages: they name the host or the address
// and the rule. Immutable: all methods may be called from any thread.
class AddressPolicy final : public net::AddressGate {
 public:
  // Whether an address is the machine's own.
  using IsLocal = std::function<bool(const net::IpAddress&)>;

  // `name` is what messages call it. What `besides` denies is denied, too; null: none. It must
  // outlive this object. REQUIRES: policy.validate() finds nothing.
  AddressPolicy(const NetworkPolicy& policy, std::string name,
                const AddressPolicy* besides = nullptr, IsLocal is_local = {});

  // Whether nothing is denied.
  [[nodiscard]] bool allows_all() const;
  // Before the look-up: why nothing may be sent there; nothing when its addresses decide. A host
  // that is an address is judged as such. `host` in lower case, without brackets.
  [[nodiscard]] std::optional<std::string> refusal_of_host(const std::string& host,
                                                           std::uint16_t port) const;
  [[nodiscard]] std::optional<std::string> refusal(const std::string& host,
                                                   const net::Address& address) const override;

 private:
  // A name, or an address in whatever notation.
  struct HostRule {
    std::string text;
    std::optional<net::IpAddress> address;

    [[nodiscard]] bool fits(std::string_view host, std::uint16_t port) const;
    [[nodiscard]] bool fits(const net::IpAddress& address, std::uint16_t port) const;
  };
  struct OwnAddress {
    net::IpAddress ip;
    std::uint16_t port;
  };

  [[nodiscard]] static std::vector<net::AddressRange> ranges_of(
      const std::vector<std::string>& networks);
  [[nodiscard]] static std::vector<HostRule> host_rules_of(const std::vector<std::string>& hosts);
  [[nodiscard]] static std::vector<OwnAddress> own_addresses_of(
      const std::vector<std::string>& addresses);

  [[nodiscard]] std::optional<std::string> refusal_of_address(std::string_view host,
                                                              std::uint16_t port,
                                                              const net::IpAddress& address) const;
  // Of the address, or of one that is in it.
  [[nodiscard]] std::optional<std::string> why_denied(std::uint16_t port,
                                                      const net::IpAddress& address) const;
  [[nodiscard]] std::optional<std::string> why_private(const net::IpAddress& address) const;
  [[nodiscard]] bool is_own(std::uint16_t port, const net::IpAddress& address) const;
  [[nodiscard]] bool is_allowed_host(std::string_view host, std::uint16_t port,
                                     const net::IpAddress& address) const;
  // "network_policy.deny_ports"
  [[nodiscard]] std::string rule(std::string_view field) const;

  const std::string name_;
  const AddressPolicy* const besides_;
  const IsLocal is_local_;
  const bool denies_private_;
  const std::vector<net::AddressRange> allowed_networks_;
  const std::vector<net::AddressRange> denied_networks_;
  const std::vector<HostRule> allowed_hosts_;
  const std::vector<HostRule> denied_hosts_;
  const std::vector<std::uint16_t> allowed_ports_;
  const std::vector<std::uint16_t> denied_ports_;
  const std::vector<OwnAddress> own_addresses_;
};

}  // namespace patient_http::engine
