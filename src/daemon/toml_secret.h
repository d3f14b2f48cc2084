#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "daemon/secret_source.h"
#include "daemon/toml_section.h"

namespace patient_http::daemon {

// Which forms of a secret a key takes: { secret = "NAME" } refers to one of [secrets].
enum class SecretForms { kSources, kSourcesAndReferences };

// Reads where a secret is: a text is the value itself, a table says where it is. Relative names of
// files are meant from `folder` on. What is wrong is reported for `key`, and gives nothing.
[[nodiscard]] std::optional<SecretSource> read_secret(TomlSection& section, const std::string& key,
                                                      const toml::node& node,
                                                      const std::filesystem::path& folder,
                                                      SecretForms forms = SecretForms::kSources);

}  // namespace patient_http::daemon
