#include "patient_http/network_policy.h"

#include <algorithm>
#include <functional>

#include "base/json_text.h"
#include "base/text.h"
#include "drivers/net/address_range.h"
#include "engine/host_pattern.h"

namespace patient_http {

namespace {

using Problem = std::string;  // "must be …", or empty

Problem problem_of_network(const std::string& text) {
  const auto range = net::AddressRange::parse(text);
  if (!range) return "must be networks such as 10.0.0.0/8, or addresses";
  if (!range->has_bits_behind_prefix()) return {};
  return "must be networks whose addresses have no bits set behind the prefix, as in 10.0.0.0/8";
}

Problem problem_of_host(const std::string& text) {
  if (!base::is_ascii(text)) return "must have hosts of other alphabets in the form xn--…";
  const auto pattern = engine::HostPattern::parse(text);
  // Part of an address ("10.1", "*.0.1") fits no address: those are judged as numbers.
  const bool has_letter =
      pattern && pattern->host().find_first_not_of("0123456789.:*") != std::string_view::npos;
  if (has_letter || (pattern && net::IpAddress::parse(pattern->host()))) return {};
  return "must be hosts such as api.example.com, *.example.com or [::1]:8080";
}

Problem problem_of_own_address(const std::string& text) {
  const auto pattern = engine::HostPattern::parse(text);
  if (pattern && pattern->port() && net::IpAddress::parse(pattern->host())) return {};
  return "must be addresses with a port, such as 127.0.0.1:8080 or [::1]:8080";
}

}  // namespace

std::vector<std::string> NetworkPolicy::validate(const std::string& name) const {
  std::vector<std::string> problems;
  const auto add = [&](const char* field, const std::string& problem, const std::string& got) {
    problems.push_back(name + "." + field + " " + problem + ", got: " + got);
  };
  const auto check = [&](const char* field, const std::vector<std::string>& texts,
                         const std::function<Problem(const std::string&)>& problem_of) {
    for (const std::string& text : texts) {
      const Problem problem = problem_of(text);
      if (!problem.empty()) add(field, problem, base::json_string(base::to_valid_utf8(text)));
    }
  };
  const auto check_ports = [&](const char* field, const std::vector<std::uint16_t>& ports) {
    if (std::find(ports.begin(), ports.end(), 0) != ports.end()) {
      add(field, "must be ports from 1 to 65535", "0");
    }
  };
  check("allow_networks", allow_networks, problem_of_network);
  check("deny_networks", deny_networks, problem_of_network);
  check("allow_hosts", allow_hosts, problem_of_host);
  check("deny_hosts", deny_hosts, problem_of_host);
  check_ports("allow_ports", allow_ports);
  check_ports("deny_ports", deny_ports);
  check("own_addresses", own_addresses, problem_of_own_address);
  return problems;
}

}  // namespace patient_http
