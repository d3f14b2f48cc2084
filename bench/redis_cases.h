#pragma once

#include <cstddef>
#include <string>

namespace patient_http::bench {

struct RedisCase {
  std::string redis_url;
  std::size_t in_flight = 256;
  std::size_t count = 0;  // jobs that wait in the queue
};

struct RedisFigures {
  double requests_per_second = 0;
  double cpu_us = 0;       // of this process, per request
  double peak_memory = 0;  // bytes, of this process
};

// A Service carries out the jobs that wait in Redis, until their callback jobs wait in "default".
// Rates are measured once as many requests are done as are in flight: every connection is open.
// Throws std::runtime_error when it comes to a standstill.
[[nodiscard]] RedisFigures carry_out(const RedisCase& load);

// A Service waits for jobs and carries them out until SIGTERM. It prints a line once it waits.
void serve(const std::string& redis_url);

}  // namespace patient_http::bench
