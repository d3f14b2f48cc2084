#pragma once

#include <chrono>
#include <cstddef>

namespace patient_http::bench {

// CPU time of this process so far, user and system.
[[nodiscard]] std::chrono::duration<double> process_cpu();
// What it holds in memory now.
[[nodiscard]] double resident_bytes();
// How many sockets it has open.
[[nodiscard]] std::size_t open_sockets();

}  // namespace patient_http::bench
