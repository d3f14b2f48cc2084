#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace patient_http {

// Where requests may go: it is held against each host and port before they are looked up, and
// against each address right before it is dialled, for every hop of every attempt. What is denied
// ends in an error of kind kPolicy, and nothing is sent.
//
// What denies goes before what allows: allow_networks and allow_hosts only open what
// deny_private_networks closes.
struct NetworkPolicy {
  // Denies what is not an address of a public server: private, loopback, link-local (where clouds
  // keep their metadata), shared (CGNAT), multicast, documentation and reserved addresses, and the
  // forms of IPv6 that hold an IPv4 address. The list is in docs/security.md.
  bool deny_private_networks = false;
  // Networks ("10.0.0.0/8", "fc00::/7") and addresses that are allowed all the same. An IPv6
  // address that holds an IPv4 address needs both to be allowed.
  std::vector<std::string> allow_networks = {};
  std::vector<std::string> deny_networks = {};
  // Hosts whose addresses are allowed all the same, whatever they are: "intranet.example",
  // "*.intranet.example" for all hosts below that one; with a port (":8443") only there.
  // Names of other alphabets as "xn--…".
  std::vector<std::string> allow_hosts = {};
  // A host that is an address is denied however it is found.
  std::vector<std::string> deny_hosts = {};
  // If there are any: no other port.
  std::vector<std::uint16_t> allow_ports = {};
  std::vector<std::uint16_t> deny_ports = {};
  // Addresses with a port at which this program listens: "127.0.0.1:8080", "[::1]:8080". Denied
  // whatever else is allowed. "0.0.0.0:8080" or "[::]:8080" stands for all addresses of the
  // machine.
  std::vector<std::string> own_addresses = {};

  // What is wrong, a sentence each that begins with `name` and the field; empty when all is well.
  [[nodiscard]] std::vector<std::string> validate(const std::string& name) const;

  friend bool operator==(const NetworkPolicy&, const NetworkPolicy&) = default;
};

}  // namespace patient_http
