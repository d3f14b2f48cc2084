#pragma once

#include <optional>

#include "engine_cases.h"

namespace patient_http::bench {

// The cost of a request once all connections are open: two runs, one twice as long, and what the
// longer one did more. The memory is its peak. No value when the program is not installed or
// fails.
[[nodiscard]] std::optional<LoadFigures> measure_steady_wrk(const LoadCase& load);
// HTTP/2 over TLS, `streams` at once on each connection.
[[nodiscard]] std::optional<LoadFigures> measure_steady_h2load(const LoadCase& load,
                                                               std::size_t streams);

}  // namespace patient_http::bench
