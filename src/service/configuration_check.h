#pragma once

#include "patient_http/configuration.h"

namespace patient_http::service {

// Throws std::invalid_argument with everything that is wrong.
void require_valid(const Configuration& configuration);

}  // namespace patient_http::service
