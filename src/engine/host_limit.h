#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/url.h"
#include "patient_http/processor_options.h"

namespace patient_http::engine {

// What the first of `limits` says of `which` that fits `origin` and says something of it; if none
// does, `otherwise`.
[[nodiscard]] std::size_t limit_of(const std::vector<HostLimit>& limits,
                                   std::optional<std::size_t> HostLimit::*which,
                                   const base::Origin& origin, std::size_t otherwise);

}  // namespace patient_http::engine
