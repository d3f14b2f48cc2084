#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace patient_http::daemon {

// The one of `known` that `name` was meant to be, but for a few letters; null when none is near.
[[nodiscard]] const std::string* nearest_name(std::string_view name,
                                              const std::vector<std::string>& known);

// What to say of an option that nobody knows: "; did you mean …?" when one of `known` is near, else
// "; see --help". "--lease" is near to "--redis-lease", whose end it is.
[[nodiscard]] std::string suggestion(std::string_view name, const std::vector<std::string>& known);

}  // namespace patient_http::daemon
