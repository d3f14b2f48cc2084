#pragma once

#include <string>

#include "daemon/serve_options.h"
#include "patient_http/processor_options.h"
#include "patient_http/result.h"

namespace patient_http::daemon {

// Reads a configuration file (TOML, docs/operations.md) over `options`, and notes in `origins` what
// came from which line. The failure lists everything that is wrong, a line each, "FILE:LINE:
// what", without any value. Then `options` is half changed. Whether numbers are in range says
// validate().
[[nodiscard]] Result<void> read_configuration_file(const std::string& path, ServeOptions& options,
                                                   Origins& origins);

// The same for commands that only need [processor], [secrets] and [preprocessors]: the last two are
// registered.
[[nodiscard]] Result<void> read_configuration_file(const std::string& path,
                                                   ProcessorOptions& options);

}  // namespace patient_http::daemon
