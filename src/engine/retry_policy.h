#pragma once

#include <chrono>
#include <optional>

#include "patient_http/error.h"
#include "patient_http/http_method.h"
#include "patient_http/processor_options.h"

namespace patient_http::engine {

// Whether a failure is one of the connection, after which an idempotent request may be sent again.
[[nodiscard]] bool is_connection_failure(ErrorKind kind);

// How long to wait before the next attempt; empty when there is none. `attempts` counts those
// made, from 1. `random` in [0, 1) picks a point between half of the wait and all of it.
[[nodiscard]] std::optional<std::chrono::nanoseconds> next_attempt_delay(
    const ProcessorOptions& options, HttpMethod method, ErrorKind kind, int attempts,
    double random);

}  // namespace patient_http::engine
