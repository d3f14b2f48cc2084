#pragma once

#include "drivers/net/net_failure.h"
#include "patient_http/error.h"

namespace patient_http::engine {

// What a failure of the network is called in an outcome.
[[nodiscard]] ErrorKind error_kind_of(net::NetFailure::Kind kind);

}  // namespace patient_http::engine
