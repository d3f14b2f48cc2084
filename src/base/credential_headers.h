#pragma once

#include <string_view>

namespace patient_http::base {

// Whether a header holds credentials by custom, whatever its value is. `name` in lower case.
[[nodiscard]] bool is_credential_header(std::string_view name);

}  // namespace patient_http::base
