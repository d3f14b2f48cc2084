#include "redis_counters.h"

#include <string>
#include <string_view>

namespace patient_http::bench {

namespace {

// The number after `label`; 0 when it is not there.
double number_after(const std::string& text, std::string_view label) {
  const auto at = text.find(label);
  return at == std::string::npos ? 0 : std::stod(text.substr(at + label.size(), 32));
}

}  // namespace

RedisCounters RedisCounters::read(test::TestRedis& redis) {
  const std::string cpu(redis.command({"INFO", "cpu"}).text());
  const std::string calls(redis.command({"INFO", "commandstats"}).text());
  const std::string stats(redis.command({"INFO", "stats"}).text());
  RedisCounters counters;
  counters.cpu_seconds = number_after(cpu, "used_cpu_sys:") + number_after(cpu, "used_cpu_user:");
  counters.scripts = number_after(calls, "cmdstat_evalsha:calls=");
  counters.round_trips = counters.scripts + number_after(calls, "cmdstat_blmove:calls=");
  counters.commands = number_after(stats, "total_commands_processed:");
  return counters;
}

RedisCounters RedisCounters::since(const RedisCounters& earlier) const {
  return {cpu_seconds - earlier.cpu_seconds, round_trips - earlier.round_trips,
          scripts - earlier.scripts, commands - earlier.commands};
}

}  // namespace patient_http::bench
