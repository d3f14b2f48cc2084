#pragma once

#include <functional>
#include <string>

#include "daemon/run_failure.h"
#include "patient_http/processor_options.h"

namespace patient_http::daemon {

// A regular file of input, read from end to end and found good.
struct CheckedInput {
  std::string sha256;
  std::uint64_t lines = 0;
  std::uint64_t requests = 0;
};

// Reads `path` once, and fails with all its bad lines reported to `report`, a sentence each with
// the line's number. `is_stopped` is asked now and then.
[[nodiscard]] RunResult<CheckedInput> check_input(
    const std::string& path, int fd, const ProcessorOptions& engine,
    const std::function<void(const std::string&)>& report, const std::function<bool()>& is_stopped);

}  // namespace patient_http::daemon
