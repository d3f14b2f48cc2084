#pragma once

#include <CLI/CLI.hpp>

#include "daemon/serve_command.h"

namespace patient_http::daemon {

// Adds the command `serve`, with a flag for each option. What is given is in `arguments` after
// take_serve_flags(); both must outlive the command.
[[nodiscard]] CLI::App* add_serve(CLI::App& app, ServeArguments& arguments);

// Takes what was given to the parsed `command`.
void take_serve_flags(const CLI::App& command, ServeArguments& arguments);

}  // namespace patient_http::daemon
