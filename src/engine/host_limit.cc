#include "engine/host_limit.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/text.h"

namespace patient_http {

namespace {

constexpr std::string_view kAnyBelow = "*.";

struct Pattern {
  std::string_view host;  // without brackets
  std::optional<std::uint16_t> port;
};

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stopped != end || port == 0) return std::nullopt;
  return port;
}

// No value when a port is given that is none, or a bracket stays open.
std::optional<Pattern> parse(std::string_view text) {
  Pattern pattern;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    pattern.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    pattern.host = text.substr(0, text.find(':'));
    rest = text.substr(pattern.host.size());
  }
  if (rest.empty()) return pattern;
  pattern.port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
  if (!pattern.port) return std::nullopt;
  return pattern;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == ':';
}

}  // namespace

bool HostLimit::is_valid() const {
  return engine::is_host_pattern(host);
}

bool HostLimit::fits(std::string_view origin_host, std::uint16_t port) const {
  return engine::fits_host(host, origin_host, port);
}

namespace engine {

bool is_host_pattern(std::string_view text) {
  const auto pattern = parse(text);
  if (!pattern) return false;
  std::string_view name = base::without_root(pattern->host);
  if (name.starts_with(kAnyBelow)) name.remove_prefix(kAnyBelow.size());
  return !name.empty() && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), is_host_character);
}

bool fits_host(std::string_view pattern_text, std::string_view host, std::uint16_t port) {
  const auto pattern = parse(pattern_text);
  if (!pattern || (pattern->port && *pattern->port != port)) return false;
  const std::string_view name = base::without_root(host);
  const std::string_view wanted = base::without_root(pattern->host);
  if (!wanted.starts_with(kAnyBelow)) return base::ascii_equal_ignoring_case(name, wanted);
  const std::string_view below = wanted.substr(1);  // with its point
  return name.size() > below.size() &&
         base::ascii_equal_ignoring_case(name.substr(name.size() - below.size()), below);
}

std::size_t limit_of(const std::vector<HostLimit>& limits,
                     std::optional<std::size_t> HostLimit::*which, const base::Origin& origin,
                     std::size_t otherwise) {
  for (const HostLimit& each : limits) {
    if (each.*which && each.fits(origin.host, origin.port)) return *(each.*which);
  }
  return otherwise;
}

}  // namespace engine

}  // namespace patient_http
