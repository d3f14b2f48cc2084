#pragma once

#include "daemon/stop_signals.h"

namespace patient_http::daemon {

// Reads the command line and does what it says. Gives the exit status.
[[nodiscard]] int execute_command_line(int argc, char** argv, StopSignals& signals);

}  // namespace patient_http::daemon
