#include "engine/host_limit.h"

#include "engine/host_pattern.h"

namespace patient_http {

bool HostLimit::is_valid() const {
  return engine::HostPattern::parse(host).has_value();
}

bool HostLimit::fits(std::string_view origin_host, std::uint16_t port) const {
  const auto pattern = engine::HostPattern::parse(host);
  return pattern && pattern->fits(origin_host, port);
}

namespace engine {

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
