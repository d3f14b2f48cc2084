#pragma once

#include <string>

#include "patient_http/result.h"

namespace patient_http::daemon {

// All bytes of a file. Fails, naming the file, when it cannot be read, as a folder cannot.
[[nodiscard]] Result<std::string> read_whole_file(const std::string& path);

}  // namespace patient_http::daemon
