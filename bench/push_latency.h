#pragma once

#include <cstddef>

#include "support/test_redis.h"

namespace patient_http::bench {

struct PushLatency {
  double median_ms = 0;
  double p99_ms = 0;
};

// Pushes jobs one by one, with pauses in which the process that takes them is idle, and measures
// the time from the push until a server here has received the request. Throws std::runtime_error
// when a request does not come.
[[nodiscard]] PushLatency measure_push_latency(test::TestRedis& redis, std::size_t pushes);

}  // namespace patient_http::bench
