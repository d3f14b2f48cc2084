#pragma once

#include <string>
#include <utility>

#include "daemon/exit_status.h"
#include "patient_http/result.h"

namespace patient_http::daemon {

// Why a run ends early: what to print, and the exit status.
struct RunFailure {
  ExitStatus status = kStateProblem;
  std::string message;
};

template <class T>
using RunResult = Result<T, RunFailure>;

inline tl::unexpected<RunFailure> run_failure(ExitStatus status, std::string message) {
  return tl::unexpected<RunFailure>(RunFailure{status, std::move(message)});
}

}  // namespace patient_http::daemon
