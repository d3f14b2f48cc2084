#include "jobs/redis_store_context.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "drivers/redis/redis_url.h"

namespace patient_http::jobs {

using std::chrono::duration;
using std::chrono::system_clock;

StoreResult<redis::RedisConnectionOptions> connection_options(const RedisOptions& options) {
  auto address = redis::parse_redis_url(options.url);
  if (!address) {
    return unexpected(
        StoreFailure{StoreFailure::Kind::kMisuse, "redis.url " + address.error().message});
  }
  redis::RedisConnectionOptions connection;
  connection.address = std::move(*address);
  connection.ca_file = options.ca_file;
  connection.time_limit = options.command_timeout;
  return connection;
}

std::string to_score(system_clock::time_point time) {
  return base::fixed_number(duration<double>(time.time_since_epoch()).count(), 6);
}

system_clock::time_point from_score(std::string_view score) {
  const double seconds = base::leading_number(score);
  if (!std::isfinite(seconds) || std::abs(seconds) > 9e9) return {};
  return system_clock::time_point(
      std::chrono::microseconds(static_cast<std::int64_t>(std::llround(seconds * 1e6))));
}

std::chrono::seconds registry_lifetime(const RedisOptions& options) {
  return std::max(std::chrono::ceil<std::chrono::seconds>(options.orphan_threshold * 3),
                  std::chrono::seconds(3600));
}

std::chrono::milliseconds sign_of_life_lifetime(const RedisOptions& options) {
  return options.heartbeat_interval * 2;
}

}  // namespace patient_http::jobs
