#include "jobs/redis_presence.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "jobs/process_name.h"
#include "version.h"

namespace patient_http::jobs {

using redis_keys::OfProcess;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::int64_t kMostAtOnce = 250;
// How long the status of a process that died can be read.
constexpr std::chrono::seconds kStatusLifetime = std::chrono::hours(1);
// How long a process that left results in a spool keeps its claims: time for a restart. No longer,
// since whoever removes the spool leaves its requests waiting so long. The gem's orphan_threshold
// is the same.
constexpr milliseconds kClaimsKept = std::chrono::minutes(5);

// "a,2 b c,1,shared", as serve takes it.
std::string queues_text(const std::vector<RedisQueue>& queues) {
  std::string text;
  for (const RedisQueue& queue : queues) {
    if (!text.empty()) text += ' ';
    text += queue.name;
    if (queue.weight != 0) text += "," + std::to_string(queue.weight);
    if (queue.is_shared) text += ",shared";
  }
  return text;
}

std::int64_t epoch_seconds(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

StoreResult<void> RedisPresence::heartbeat(const ProcessHealth* health) {
  const RedisOptions& options = context_.options.redis;
  const auto begun = steady_clock::now();
  bool renews_scores = false;
  {
    base::MutexLock lock(mutex_);
    renews_scores = !scores_renewed_ || begun - *scores_renewed_ >= options.heartbeat_interval / 3;
  }
  RedisStep step(context_.client, context_.scripts.heartbeat);
  step.key(context_.keys.lease).key(redis_keys::kProcesses).key(redis_keys::kGemProcesses);
  step.key(context_.keys.sign_of_life).key(context_.keys.claims).key(redis_keys::kIndex);
  step.key(redis_keys::kRegistry).key(context_.keys.status);
  step.argument(context_.process).number(context_.options.redis.lease.count());
  step.number(static_cast<std::int64_t>(context_.options.capacity))
      .number(sign_of_life_lifetime(options).count());
  step.number(registry_lifetime(options).count()).argument(renews_scores ? "1" : "0");
  const auto status_lifetime = std::max<milliseconds>(kStatusLifetime, options.lease * 2);
  step.number(std::chrono::ceil<std::chrono::seconds>(status_lifetime).count());
  if (health != nullptr) add_status(step, *health);
  const auto reply = step.run();

  const auto now = steady_clock::now();
  base::MutexLock lock(mutex_);
  if (!reply) {
    last_beat_.reset();
    return unexpected(reply.error());
  }
  const auto& parts = reply->array();
  if (parts.size() != 2) return unexpected(odd_reply("heartbeat"));
  const bool had_lease = parts[0].integer() == 1;
  const milliseconds redis_ahead = milliseconds(parts[1].integer()) -
                                   std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
  // Leases end by the clock of Redis, and this time runs by ours: when they have parted, or our own
  // lease has ended, then so have those of others who live.
  const bool has_jumped =
      redis_ahead_ && std::chrono::abs(redis_ahead - *redis_ahead_) > tolerance();
  redis_ahead_ = redis_ahead;
  // Also after a stop of this process, of which the clock knows nothing.
  const bool is_regular = last_beat_ && now - *last_beat_ < context_.options.redis.lease * 2 / 3;
  if (!is_regular || !had_lease || has_jumped) in_touch_since_ = now;
  last_beat_ = now;
  if (renews_scores) scores_renewed_ = now;
  return {};
}

void RedisPresence::add_status(RedisStep& step, const ProcessHealth& health) const {
  step.argument("version").argument(kVersion);
  step.argument("state").argument(to_string(health.state));
  step.argument("started_at").number(epoch_seconds(started_));
  step.argument("host").owned_argument(host_name());
  step.argument("pid").number(::getpid());
  step.argument("in_flight").number(static_cast<std::int64_t>(health.in_flight));
  step.argument("max_connections").number(static_cast<std::int64_t>(context_.options.capacity));
  step.argument("queues").owned_argument(queues_text(context_.options.redis.queues));
  const bool has_failed = !health.last_store_error.empty();
  step.argument("last_store_error").argument(health.last_store_error);
  step.argument("last_store_error_at")
      .owned_argument(has_failed ? std::to_string(epoch_seconds(health.last_store_error_at))
                                 : std::string());
}

bool RedisPresence::is_in_touch_for(milliseconds time) {
  const auto now = steady_clock::now();
  base::MutexLock lock(mutex_);
  return last_beat_ && now - *last_beat_ < context_.options.redis.lease * 2 / 3 &&
         now - in_touch_since_ >= time;
}

// As far as two clocks may part before a lease counts as ended by a jump. A reply may be late, too.
milliseconds RedisPresence::tolerance() const {
  return context_.options.redis.lease / 3;
}

milliseconds RedisPresence::latest_redis_time() {
  const auto now = steady_clock::now().time_since_epoch();
  base::MutexLock lock(mutex_);
  return std::chrono::duration_cast<milliseconds>(now) + redis_ahead_.value_or(milliseconds(0)) +
         tolerance();
}

StoreResult<std::int64_t> RedisPresence::rescue_except(std::span<const std::string> spared,
                                                       std::chrono::system_clock::time_point now) {
  const auto& options = context_.options;
  const milliseconds trust_after = options.trust_after.value_or(options.redis.lease);
  std::int64_t rescued = 0;
  if (is_in_touch_for(trust_after)) {
    const auto processes = run_command(context_.client, {"SMEMBERS", redis_keys::kProcesses});
    if (!processes) return unexpected(processes.error());
    for (const auto& one : processes->array()) {
      const std::string process(one.text());
      if (process == context_.process) continue;
      // It takes time to rescue many, and the clock may jump meanwhile.
      if (!is_in_touch_for(trust_after)) break;
      if (std::find(spared.begin(), spared.end(), process) != spared.end()) continue;
      auto found = rescue_from(process, now);
      if (!found) return found;
      rescued += *found;
    }
  }
  if (is_in_touch_for(options.trust_after.value_or(sign_of_life_lifetime(options.redis)))) {
    auto found = rescue_from_ruby();
    if (!found) return found;
    rescued += *found;
  }
  return rescued;
}

StoreResult<std::int64_t> RedisPresence::rescue_from(const std::string& process,
                                                     std::chrono::system_clock::time_point now) {
  const OfProcess keys(process);
  const auto lives = run_command(context_.client, {"EXISTS", keys.lease});
  if (!lives) return unexpected(lives.error());
  if (lives->integer() == 1) return 0;
  std::int64_t jobs = 0;
  std::int64_t callbacks = 0;
  std::int64_t taken = 0;
  for (bool is_more = true; is_more;) {
    RedisStep step(context_.client, context_.scripts.rescue);
    step.key(keys.lease).key(keys.claims).key(keys.facts).key(keys.callbacks).key(keys.announced);
    step.key(redis_keys::kIndex).key(redis_keys::kRegistry).key(redis_keys::kProcesses);
    step.key(redis_keys::kGemProcesses).key(keys.sign_of_life).key(redis_keys::kRescues);
    step.key(redis_keys::kSuspects).key(redis_keys::kDeaths).key(redis_keys::kUnneeded);
    step.key(redis_keys::kQueues);
    step.key(context_.keys.lease);
    step.argument(process).number(kMostAtOnce);
    step.argument(context_.options.redis.own_callback_queue);
    step.number(std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count());
    step.number(latest_redis_time().count());
    const auto reply = step.run();
    if (!reply) return unexpected(reply.error());
    const auto& parts = reply->array();
    if (parts.size() != 4) break;
    jobs += parts[0].integer();
    callbacks += parts[1].integer();
    taken += parts[2].integer();
    is_more = parts[3].integer() == 1;
  }
  if (jobs + callbacks + taken > 0) {
    context_.options.log.warn(
        "process " + process + " is dead: " + std::to_string(jobs) + " requests and " +
        std::to_string(callbacks) + " callbacks of it are back in their queues" +
        (taken > 0 ? ", " + std::to_string(taken) + " requests had been taken by a Ruby process"
                   : std::string()));
  }
  return jobs + callbacks;
}

StoreResult<std::int64_t> RedisPresence::rescue_from_ruby() {
  const RedisOptions& options = context_.options.redis;
  const auto now = steady_clock::now();
  {
    base::MutexLock lock(mutex_);
    if (ruby_checked_ && now - *ruby_checked_ < options.heartbeat_interval) return 0;
    ruby_checked_ = now;
  }
  const auto recent = run_command(context_.client, {"EXISTS", redis_keys::kLastRun});
  if (!recent) return unexpected(recent.error());
  if (recent->integer() == 1) return 0;
  const auto lifetime =
      std::max<milliseconds>(sign_of_life_lifetime(options), std::chrono::seconds(120));
  const auto locked = run_command(context_.client, {"SET", redis_keys::kLock, context_.process,
                                                    "NX", "PX", std::to_string(lifetime.count())});
  if (!locked) return unexpected(locked.error());
  if (locked->is_nil()) return 0;
  auto rescued = take_orphans();
  RedisStep unlock(context_.client, context_.scripts.unlock);
  // A lock that cannot be given back ends by itself.
  static_cast<void>(unlock.key(redis_keys::kLock).argument(context_.process).run());
  return rescued;
}

StoreResult<std::int64_t> RedisPresence::take_orphans() {
  const RedisOptions& options = context_.options.redis;
  std::int64_t rescued = 0;
  std::int64_t forgotten = 0;
  for (bool is_more = true; is_more;) {
    RedisStep step(context_.client, context_.scripts.take_orphans);
    step.key(redis_keys::kIndex).key(redis_keys::kRegistry).key(redis_keys::kGemProcesses);
    step.key(redis_keys::kProcesses).key(redis_keys::kQueues).key(redis_keys::kDead);
    step.key(redis_keys::kLock);
    step.argument(context_.process).number(options.orphan_threshold.count());
    step.number(kMostAtOnce).argument(redis_keys::kGemProcessPrefix);
    step.number(latest_redis_time().count());
    const auto reply = step.run();
    if (!reply) return unexpected(reply.error());
    const auto& parts = reply->array();
    if (parts.size() != 3) break;
    rescued += parts[0].integer();
    forgotten += parts[1].integer();
    is_more = parts[2].integer() == 1;
  }
  const auto now =
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto noted =
      run_command(context_.client, {"SET", redis_keys::kLastRun, std::to_string(now.count()), "PX",
                                    std::to_string(options.heartbeat_interval.count() * 3 / 2)});
  if (!noted) return unexpected(noted.error());
  if (rescued + forgotten > 0) {
    context_.options.log.warn(std::to_string(forgotten) + " Ruby processes are dead, " +
                              std::to_string(rescued) +
                              " requests of such are back in their queues");
  }
  return rescued;
}

StoreResult<void> RedisPresence::leave() {
  RedisStep step(context_.client, context_.scripts.leave);
  step.key(context_.keys.lease).key(redis_keys::kProcesses).key(redis_keys::kGemProcesses);
  step.key(context_.keys.sign_of_life).key(context_.keys.claims).key(context_.keys.callbacks);
  step.key(context_.keys.announced).key(redis_keys::kUnneeded).key(context_.keys.status);
  step.argument(context_.process).number(keeps_claims_ ? kClaimsKept.count() : 0);
  const auto reply = step.argument(redis_keys::kLeftLease).run();
  if (!reply) return unexpected(reply.error());
  return {};
}

}  // namespace patient_http::jobs
