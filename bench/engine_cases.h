#pragma once

#include <chrono>
#include <string>

namespace patient_http::bench {

struct LoadCase {
  std::string url;
  std::string ca_file;  // for https
  bool http2 = false;   // what the curl library is to speak; the engine finds out by itself
  std::size_t in_flight = 256;
  std::chrono::duration<double> duration{5};
};

struct LoadFigures {
  double requests_per_second = 0;
  double cpu_us = 0;           // of this process, per request
  double reactor_us = 0;       // the reactor thread's share of it
  double longest_turn_ms = 0;  // the start of all connections included
  double resident_mb = 0;      // what the process holds at the end
  double connections = 0;      // open at the end
};

// Keeps `in_flight` requests in flight through a Processor: each one that is settled is replaced
// by its handler. Rates are measured once every connection is open and warm.
[[nodiscard]] LoadFigures measure_load(const LoadCase& load);

struct IdleFigures {
  double bytes_per_request = 0;
  double longest_turn_ms = 0;  // while all of them start
};

// Lets `in_flight` requests wait for an answer, and tells what memory that takes: what the process
// has grown by, tasks and requests included. `url` must not answer within a minute or so.
[[nodiscard]] IdleFigures measure_idle(const LoadCase& load);

}  // namespace patient_http::bench
