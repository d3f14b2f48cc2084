#pragma once

#include <chrono>

namespace patient_http::bench {

// CPU time of this process so far, user and system.
[[nodiscard]] std::chrono::duration<double> process_cpu();
// What it holds in memory now.
[[nodiscard]] double resident_bytes();

}  // namespace patient_http::bench
