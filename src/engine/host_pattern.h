#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace patient_http::engine {

// "api.example.com", or "*.example.com" for all hosts below that one; with a port (":8443") only
// there. An IPv6 address is in brackets. A view into the text that it was read from.
class HostPattern {
 public:
  // Nothing when it is none of these: a port that is none, a bracket that stays open, a character
  // that no host has.
  [[nodiscard]] static std::optional<HostPattern> parse(std::string_view text);

  // `host` without brackets.
  [[nodiscard]] bool fits(std::string_view host, std::uint16_t port) const;
  // Without brackets, port and the point of the root; with its "*.".
  [[nodiscard]] std::string_view host() const { return host_; }
  [[nodiscard]] std::optional<std::uint16_t> port() const { return port_; }

 private:
  HostPattern() = default;

  std::string_view host_;
  std::optional<std::uint16_t> port_;
};

}  // namespace patient_http::engine
