#pragma once

#include "support/test_redis.h"

namespace patient_http::bench {

// What a Redis server has done so far.
struct RedisCounters {
  double cpu_seconds = 0;
  double round_trips = 0;  // scripts and waits: what a Service sends while it carries out jobs
  double scripts = 0;
  double commands = 0;  // those within scripts, too

  [[nodiscard]] static RedisCounters read(test::TestRedis& redis);
  [[nodiscard]] RedisCounters since(const RedisCounters& earlier) const;
};

}  // namespace patient_http::bench
