#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "patient_http/processor.h"

namespace patient_http {

// How many jobs of a store are in which state.
struct JobCounts {
  std::int64_t ready = 0;
  std::int64_t in_flight = 0;  // of all processes
  std::int64_t scheduled = 0;
  std::int64_t callbacks_waiting = 0;
  std::int64_t callbacks_running = 0;  // of all processes
  std::int64_t callbacks_scheduled = 0;
  std::int64_t dead = 0;
};

// Totals since the store was made, or cleared.
struct Statistics {
  std::int64_t requests = 0;
  std::chrono::duration<double> duration{0};
  std::int64_t errors = 0;
  std::map<std::string, std::int64_t> errors_by_type;
  std::map<int, std::int64_t> http_status;
};

// A job, or a callback, that nobody will try again by itself.
struct DeadJob {
  std::string id;  // for retry_dead() and delete_dead()
  std::string jid;
  bool is_callback = false;
  // Its JSON (docs/protocol.md): what it was about is in it.
  std::string bytes;
  std::string reason;
  std::chrono::system_clock::time_point died;
};

struct ServiceStatus {
  ProcessorStatus processor;
  JobCounts jobs;
};

}  // namespace patient_http
