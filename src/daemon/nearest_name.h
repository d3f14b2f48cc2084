#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace patient_http::daemon {

// What to say of a name that nobody knows: "; did you mean …?" when one of `known` is near, else
// "; known are: …" with all of them.
[[nodiscard]] std::string suggestion(std::string_view name, const std::vector<std::string>& known);

}  // namespace patient_http::daemon
