#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace patient_http::engine {

// Bytes of a secret from outside.
constexpr std::size_t kLargestSecret = 64 * 1024;

// The first kLargestSecret bytes that `/bin/sh -c command` writes to its standard output. Blocks
// until it has ended. Throws std::runtime_error, without any of its output, when it cannot be run,
// ends with another status than 0, or has not ended within `time_limit`: then its process group is
// killed.
[[nodiscard]] std::string run_secret_command(const std::string& command,
                                             std::chrono::steady_clock::duration time_limit);

}  // namespace patient_http::engine
