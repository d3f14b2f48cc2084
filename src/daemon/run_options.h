#pragma once

#include <chrono>
#include <string>

#include "patient_http/processor_options.h"

namespace patient_http::daemon {

// What `patient-http run` was asked to do.
struct RunOptions {
  std::string input;         // "-": standard input
  std::string output = "-";  // "-": standard output
  std::string state;         // empty: chosen by resolve_state_path()
  bool fresh = false;
  bool lenient = false;
  bool quiet = false;
  bool survives_power_cuts = true;
  std::chrono::duration<double> grace{0};
  ProcessorOptions processor;

  [[nodiscard]] bool reads_standard_input() const { return input == "-"; }
  [[nodiscard]] bool writes_standard_output() const { return output == "-"; }
  // Whether the input is read from end to end before anything is sent.
  [[nodiscard]] bool checks_first() const { return !reads_standard_input() && !lenient; }
};

}  // namespace patient_http::daemon
