#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/url.h"
#include "patient_http/processor_options.h"

namespace patient_http::engine {

// Whether `text` is a host as HostLimit takes it, and what it fits: see HostLimit.
[[nodiscard]] bool is_host_pattern(std::string_view text);
// REQUIRES: is_host_pattern(pattern).
[[nodiscard]] bool fits_host(std::string_view pattern, std::string_view host, std::uint16_t port);

// What the first of `limits` says of `which` that fits `origin` and says something of it; if none
// does, `otherwise`.
[[nodiscard]] std::size_t limit_of(const std::vector<HostLimit>& limits,
                                   std::optional<std::size_t> HostLimit::*which,
                                   const base::Origin& origin, std::size_t otherwise);

}  // namespace patient_http::engine
