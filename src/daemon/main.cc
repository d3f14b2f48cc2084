#include <exception>
#include <iostream>

#include "daemon/command_line.h"
#include "daemon/exit_status.h"
#include "daemon/stop_signals.h"

int main(int argc, char** argv) {
  patient_http::daemon::StopSignals signals;
  try {
    return patient_http::daemon::execute_command_line(argc, argv, signals);
  } catch (const std::exception& error) {
    std::cerr << "patient-http: " << error.what() << '\n';
    return patient_http::daemon::kUsage;
  }
}
