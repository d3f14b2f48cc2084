#pragma once

#include <string>

#include "patient_http/processor_options.h"
#include "patient_http/result.h"

namespace patient_http::daemon {

// Reads a configuration file (TOML, docs/operations.md) over `options`: the section [processor],
// whose keys are those of ProcessorOptions with times in seconds, and [secrets]. The failure lists
// everything that is wrong, a line each, "FILE:LINE: what", without any value. Then `options` is
// half changed. Whether numbers are in range says ProcessorOptions::validate().
[[nodiscard]] Result<void> read_configuration_file(const std::string& path,
                                                   ProcessorOptions& options);

}  // namespace patient_http::daemon
