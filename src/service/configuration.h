#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "patient_http/log.h"
#include "patient_http/processor_options.h"

namespace patient_http {

// How a Service is set up.
struct Configuration {
  // How requests are carried out.
  ProcessorOptions processor;

  // File of the embedded store; it is made when it is not there.
  std::string database;
  // Whether each step waits until it is on the disk, so that a power cut loses nothing that was
  // acknowledged. Without it, kill -9 still loses nothing.
  bool survives_power_cuts = true;
  // Refuse to share the database with another process.
  bool owns_database = false;

  // How long stop() goes on with the store down before results that it cannot hand over are left
  // to be requested again.
  std::chrono::milliseconds store_patience = std::chrono::seconds(10);

  Log log = Log::standard_error(LogLevel::kInfo);

  // Everything that is wrong, a sentence each; empty when all is well.
  [[nodiscard]] std::vector<std::string> validate() const;
};

}  // namespace patient_http
