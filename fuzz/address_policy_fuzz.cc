// Where requests may go: words of rules, a line feed, and a Location.
#include "engine/address_policy.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "base/url.h"
#include "drivers/net/special_ranges.h"
#include "engine/host_pattern.h"
#include "engine/redirect_policy.h"
#include "fuzz/property.h"
#include "patient_http/request.h"

namespace {

using namespace patient_http;
using engine::AddressPolicy;
using engine::HostPattern;
using fuzz::require;
using net::AddressRange;
using net::IpAddress;

constexpr std::size_t kMostWords = 20;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty() && words.size() < kMostWords) {
    words.emplace_back(text.substr(0, text.find(' ')));
    text.remove_prefix(std::min(words.back().size() + 1, text.size()));
  }
  return words;
}

void check_range(const std::string& word) {
  const auto range = AddressRange::parse(word);
  if (!range) return;
  const auto again = AddressRange::parse(range->text());
  require(again && again->text() == range->text(), "the text of a range means the range");
  require(again->has_bits_behind_prefix() == range->has_bits_behind_prefix(), "… to its last bit");
  const std::string first = range->text().substr(0, range->text().find('/'));
  require(range->contains(IpAddress::parse(first).value()), "a range holds its first address");
}

void check_pattern(const std::string& word) {
  const auto pattern = HostPattern::parse(word);
  if (!pattern) return;
  const std::string host(pattern->host());
  const std::uint16_t port = pattern->port().value_or(80);
  require(pattern->fits(host.starts_with("*.") ? "x" + host.substr(1) : host, port),
          "a pattern fits what it names");
  require(!host.starts_with("*.") || !pattern->fits(host.substr(2), port),
          "what is below a host is not that host");
}

// The rules among the words that are valid ones.
NetworkPolicy policy_of(const std::vector<std::string>& words) {
  NetworkPolicy policy;
  for (const std::string& word : words) {
    if (NetworkPolicy{.deny_networks = {word}}.validate("p").empty()) {
      policy.deny_networks.push_back(word);
    }
    if (NetworkPolicy{.deny_hosts = {word}}.validate("p").empty())
      policy.deny_hosts.push_back(word);
  }
  require(policy.validate("p").empty(), "rules that are valid one by one are valid together");
  return policy;
}

bool denies(const AddressPolicy& policy, const std::string& host, std::uint16_t port) {
  return policy.refusal_of_host(host, port).has_value();
}

// An IPv4 address as the IPv6 addresses that lead to it.
std::vector<std::string> notations_of(const IpAddress& ipv4) {
  const auto bytes = ipv4.bytes();
  std::array<char, 8> hex{};
  const auto word = [&](std::size_t at) {
    std::snprintf(hex.data(), hex.size(), "%x", unsigned{bytes[at]} << 8 | bytes[at + 1]);
    return std::string(hex.data());
  };
  const std::string two = word(0) + ":" + word(2);
  std::vector<std::string> all = {"::ffff:" + two,   "::ffff:" + ipv4.text(), "::ffff:0:" + two,
                                  "64:ff9b::" + two, "2002:" + two + "::",    "2600::5efe:" + two};
  // With 0.0.0.0 it may be another address, of a shorter prefix.
  if (!ipv4.is_unspecified()) all.push_back("64:ff9b:1:2:3:4:" + two);
  return all;
}

void check_address(const AddressPolicy& policy, const std::string& host, std::uint16_t port) {
  const auto ip = IpAddress::parse(host);
  if (!ip) return;
  const bool is_denied = denies(policy, host, port);
  require(denies(policy, ip->text(), port) == is_denied, "an address is the same in any notation");
  const auto dialled = net::Address::parse(host, port);
  require(policy.refusal("name.test", *dialled) == policy.refusal_of_host(host, port),
          "a host that is an address is judged as one that is dialled");
  if (!is_denied || !ip->is_ipv4()) return;
  for (const std::string& notation : notations_of(*ip)) {
    require(denies(policy, notation, port), "what is denied is denied in each notation");
  }
}

void check_public(const AddressPolicy& strict, const std::string& host, std::uint16_t port) {
  const auto ip = IpAddress::parse(host);
  if (!ip) return;
  bool is_special = false;
  for (const net::SpecialRange& special : net::special_ranges()) {
    is_special = is_special || special.range.contains(*ip);
  }
  require(!is_special || denies(strict, host, port), "no private address is let through");
  check_address(strict, host, port);
}

void check_host(const AddressPolicy& policy, const std::string& host, std::uint16_t port) {
  if (!denies(policy, host, port)) return;
  require(denies(policy, host + ".", port), "a point at the end opens nothing");
  require(policy.refusal_of_host(host, port)->find('\n') == std::string::npos,
          "a reason is one line");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [rules, location] = fuzz::two_texts(fuzz::text_of(data, size));
  const std::vector<std::string> words = words_of(rules);
  for (const std::string& word : words) {
    check_range(word);
    check_pattern(word);
  }
  const Request from =
      Request::create({.url = "http://public.test/", .is_untrusted = true}).value();
  const auto next = engine::redirected_request(from, 302, location);
  if (!next) return 0;
  require(next->is_untrusted(), "a redirect makes nobody trusted");
  const auto url = base::Url::parse(next->url());
  require(url.has_value(), "a request has a url");
  const base::Origin& origin = url->origin();
  static const AddressPolicy kStrict({.deny_private_networks = true}, "p");
  check_public(kStrict, origin.host, origin.port);
  const AddressPolicy policy(policy_of(words), "p");
  check_host(policy, origin.host, origin.port);
  check_address(policy, origin.host, origin.port);
  return 0;
}
