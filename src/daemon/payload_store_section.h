#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "daemon/payload_store_place.h"
#include "daemon/toml_section.h"

namespace patient_http::daemon {

// Reads the stores of [payload_stores], in the order of the file: every key but `threshold`.
// `has_secret` says whether [secrets] has a name, `note` is told the line of each store. Those with
// a problem are reported, and left out.
[[nodiscard]] std::vector<PayloadStorePlace> read_payload_stores(
    TomlSection& section, const std::filesystem::path& folder,
    const std::function<bool(const std::string&)>& has_secret,
    const std::function<void(const std::string& name, toml::source_index line)>& note);

}  // namespace patient_http::daemon
