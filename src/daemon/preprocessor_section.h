#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "daemon/preprocessor_setup.h"
#include "daemon/toml_section.h"

namespace patient_http::daemon {

// Reads [preprocessors], a table each. `has_secret` says whether [secrets] has a name. Those with a
// problem are reported, and left out.
[[nodiscard]] std::vector<PreprocessorSetup> read_preprocessors(
    TomlSection& section, const std::filesystem::path& folder,
    const std::function<bool(const std::string&)>& has_secret);

}  // namespace patient_http::daemon
