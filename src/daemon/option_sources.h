#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/serve_options.h"

namespace patient_http::daemon {

using Environment = std::map<std::string, std::string, std::less<>>;

// That of this process.
[[nodiscard]] Environment current_environment();

// What stood on the command line.
struct GivenFlags {
  std::optional<std::string> config = std::nullopt;  // --config
  // An option's name and a text, in the order in which they were given.
  std::vector<std::pair<std::string, std::string>> values = {};
  std::vector<std::string> unknown = {};
};

// The options from the file, the environment and the command line, each over the one before.
struct GatheredOptions {
  ServeOptions options;
  Origins origins;
  std::string config_file;            // empty: none was read
  std::vector<std::string> problems;  // everything that is wrong, with its place
  std::vector<std::string> warnings;  // what may be meant so

  // "redis://host:6379/0" or "the database FILE": without user, password and query.
  [[nodiscard]] std::string store_text() const;
};

[[nodiscard]] GatheredOptions gather_options(const GivenFlags& flags,
                                             const Environment& environment);

// The options as a file, each with where it came from; without secrets and passwords.
[[nodiscard]] std::string configuration_text(GatheredOptions gathered);

}  // namespace patient_http::daemon
