#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace patient_http::daemon {

// What to say of an option that nobody knows: "; did you mean …?" when one of `known` is near, else
// "; see --help". "--lease" is near to "--redis-lease", whose end it is.
[[nodiscard]] std::string suggestion(std::string_view name, const std::vector<std::string>& known);

}  // namespace patient_http::daemon
