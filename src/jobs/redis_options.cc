#include "patient_http/redis_options.h"

#include <set>
#include <string_view>

#include "drivers/redis/redis_url.h"

namespace patient_http {

namespace {

using std::chrono::milliseconds;

void check_queues(const RedisOptions& options, std::vector<std::string>& problems) {
  if (options.queues.empty()) problems.emplace_back("redis.queues must name at least one queue");
  std::set<std::string_view> names;
  for (const RedisQueue& queue : options.queues) {
    if (queue.name.empty()) {
      problems.emplace_back("redis.queues must have names");
    } else if (!names.insert(queue.name).second) {
      problems.push_back("the queue \"" + queue.name + "\" is listed twice");
    }
    if (queue.weight < 0)
      problems.push_back("the weight of the queue \"" + queue.name + "\" must be 0 or more");
  }
}

void check_callback_queues(const RedisOptions& options, std::vector<std::string>& problems) {
  if (options.callback_queue.empty())
    problems.emplace_back("redis.callback_queue must have a name");
  if (options.own_callback_queue.empty())
    problems.emplace_back("redis.own_callback_queue must have a name");
  for (const RedisQueue& queue : options.queues) {
    if (queue.name == options.callback_queue && !queue.is_shared) {
      problems.push_back(
          "the callback queue \"" + options.callback_queue +
          "\" is a queue of requests, where no Ruby process would run callbacks: name "
          "another one, or make it a shared queue");
    }
    if (queue.name == options.own_callback_queue) {
      problems.push_back(
          "the queue \"" + queue.name +
          "\" is the one in which this program's own callbacks wait: name another one");
    }
  }
  if (options.callback_queue == options.own_callback_queue && !options.callback_queue.empty()) {
    problems.push_back(
        "the callback queue \"" + options.callback_queue +
        "\" is the one in which this program's own callbacks wait: name another one");
  }
  if (options.callback_retries.value_or(0) < 0)
    problems.emplace_back("redis.callback_retries must be 0 or more");
}

void check_times(const RedisOptions& options, std::vector<std::string>& problems) {
  if (options.command_timeout < milliseconds(100))
    problems.emplace_back("redis.command_timeout must be at least 0.1 s");
  if (options.lease < milliseconds(1000)) problems.emplace_back("redis.lease must be at least 1 s");
  if (options.command_timeout >= options.lease)
    problems.emplace_back("redis.command_timeout must be less than redis.lease");
  if (options.heartbeat_interval < milliseconds(1000))
    problems.emplace_back("redis.heartbeat_interval must be at least 1 s");
  if (options.heartbeat_interval >= options.orphan_threshold)
    problems.emplace_back("redis.heartbeat_interval must be less than redis.orphan_threshold");
}

}  // namespace

std::vector<std::string> RedisOptions::validate() const {
  std::vector<std::string> problems;
  if (const auto parsed = redis::parse_redis_url(url); !parsed)
    problems.push_back("redis.url " + parsed.error().message);
  check_queues(*this, problems);
  check_callback_queues(*this, problems);
  check_times(*this, problems);
  return problems;
}

}  // namespace patient_http
