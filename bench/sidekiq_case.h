#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "support/test_redis.h"

namespace patient_http::bench {

struct SidekiqCase {
  std::string worker_file;  // sidekiq_worker.rb
  std::string url;
  std::size_t threads = 10;
  std::size_t count = 0;
};

struct SidekiqFigures {
  double requests_per_second = 0;
  double cpu_us = 0;  // of Sidekiq's process, per request
};

// Has Sidekiq do `count` requests with a worker that blocks, and push a callback job for each. No
// value when it is not installed, or comes to a standstill.
[[nodiscard]] std::optional<SidekiqFigures> measure_sidekiq_case(test::TestRedis& redis,
                                                                 const SidekiqCase& load);

}  // namespace patient_http::bench
