#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "drivers/redis/redis_client.h"
#include "jobs/redis_keys.h"
#include "jobs/redis_step.h"
#include "patient_http/log.h"
#include "patient_http/redis_options.h"

namespace patient_http::jobs {

struct RedisJobStoreOptions {
  RedisOptions redis;
  // What the gem's page shows as this process's capacity.
  std::size_t capacity = 256;
  // Begins the process's id, "<host>:<pid>"; empty: made from this host and process.
  std::string process_prefix = {};
  // How long the store must have answered every heartbeat before others are taken for dead: after a
  // stall of Redis every lease has ended, and nobody is dead. None: as long as the lease, and for
  // Ruby processes as long as their sign of life lasts.
  std::optional<std::chrono::milliseconds> trust_after = std::nullopt;
  Log log = {};
};

// What the parts of a RedisJobStore share. Immutable, but for the client and the scripts, which
// any thread may use.
struct RedisStoreContext {
  RedisJobStoreOptions options;
  std::string process;
  redis_keys::OfProcess keys;
  redis::RedisClient client;
  RedisScripts scripts;
};

// How to connect to that Redis. Fails when the url is none.
[[nodiscard]] StoreResult<redis::RedisConnectionOptions> connection_options(
    const RedisOptions& options);

// A time as the score of Sidekiq's sorted sets: seconds since 1970.
[[nodiscard]] std::string to_score(std::chrono::system_clock::time_point time);
[[nodiscard]] std::chrono::system_clock::time_point from_score(std::string_view score);

// How long the gem's keys live, as it sets them.
[[nodiscard]] std::chrono::seconds registry_lifetime(const RedisOptions& options);
[[nodiscard]] std::chrono::milliseconds sign_of_life_lifetime(const RedisOptions& options);

}  // namespace patient_http::jobs
