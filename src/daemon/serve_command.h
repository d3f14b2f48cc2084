#pragma once

#include "daemon/option_sources.h"

namespace patient_http::daemon {

// What `patient-http serve` was asked to do.
struct ServeArguments {
  GivenFlags flags;
  bool checks_configuration = false;
  bool prints_configuration = false;
};

// Carries out requests until a signal comes. Gives the exit status.
[[nodiscard]] int serve(const ServeArguments& arguments, const Environment& environment);

}  // namespace patient_http::daemon
