#pragma once

namespace patient_http::base {

// A number from 0 to below 1, for spreading waits. Not for secrets. Any thread.
[[nodiscard]] double random_fraction();

}  // namespace patient_http::base
