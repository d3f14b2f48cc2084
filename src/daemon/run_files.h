#pragma once

#include <memory>
#include <string>

#include "daemon/run_failure.h"
#include "daemon/run_options.h"

namespace patient_http::daemon {

// The files of a run: where its state is, and whether they fit together.

// Where the state is: as given, or beside the output, or beside the input. Empty when nothing says
// where: standard input to standard output.
[[nodiscard]] std::string resolve_state_path(const RunOptions& options);

// Before a state is opened: refuses files that are the same, and an output that has content and no
// state; with `fresh` removes a state that nobody uses. The output itself is left alone: only who
// has its lock may change it.
[[nodiscard]] RunResult<void> prepare_files(const RunOptions& options);

// Removes the files of a state that is closed.
void remove_state(const std::string& path);

// Opens the input for reading; the caller closes it, unless it is standard input.
[[nodiscard]] RunResult<int> open_input(const RunOptions& options);

}  // namespace patient_http::daemon
