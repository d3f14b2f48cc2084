#include "engine/host_pattern.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "base/url.h"

namespace patient_http::engine {

namespace {

constexpr std::string_view kAnyBelow = "*.";

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stopped != end || port == 0) return std::nullopt;
  return port;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == ':';
}

bool is_host(std::string_view name) {
  if (name.starts_with(kAnyBelow)) name.remove_prefix(kAnyBelow.size());
  return !name.empty() && name.front() != '.' && name.back() != '.' &&
         std::all_of(name.begin(), name.end(), is_host_character);
}

}  // namespace

std::optional<HostPattern> HostPattern::parse(std::string_view text) {
  HostPattern pattern;
  std::string_view host;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    host = text.substr(0, text.find(':'));
    rest = text.substr(host.size());
  }
  pattern.host_ = base::without_root(host);
  if (!is_host(pattern.host_)) return std::nullopt;
  if (rest.empty()) return pattern;
  pattern.port_ = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
  if (!pattern.port_) return std::nullopt;
  return pattern;
}

bool HostPattern::fits(std::string_view host, std::uint16_t port) const {
  if (port_ && *port_ != port) return false;
  const std::string_view name = base::without_root(host);
  if (!host_.starts_with(kAnyBelow)) return base::ascii_equal_ignoring_case(name, host_);
  const std::string_view below = host_.substr(1);  // with its point
  return name.size() > below.size() &&
         base::ascii_equal_ignoring_case(name.substr(name.size() - below.size()), below);
}

}  // namespace patient_http::engine
