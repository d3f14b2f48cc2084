#pragma once

#include "daemon/run_options.h"
#include "daemon/stop_signals.h"

namespace patient_http::daemon {

// Carries out `patient-http run`. Gives the exit status.
[[nodiscard]] int run(RunOptions options, StopSignals& signals);

}  // namespace patient_http::daemon
