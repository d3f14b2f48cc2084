#include "jobs/redis_job_store.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "base/uuid.h"
#include "jobs/process_name.h"
#include "jobs/redis_callbacks.h"
#include "jobs/redis_claims.h"
#include "jobs/redis_presence.h"
#include "jobs/redis_sets.h"
#include "jobs/redis_waiter.h"
#include "jobs/totals.h"

namespace patient_http::jobs {

using redis::RedisReply;
using std::chrono::seconds;
using std::chrono::system_clock;

namespace {

constexpr std::size_t kTokenBytes = 8;
// How long a jid that was pushed is known; longer by what it waits in the schedule.
constexpr seconds kPushedLifetime = std::chrono::hours(24);
constexpr std::int64_t kMostCounted = 10'000;
// A push carries so many jobs at once.
constexpr std::size_t kMostPushed = 1000;

std::vector<std::string> queue_keys(const std::vector<RedisQueue>& queues) {
  std::vector<std::string> keys;
  keys.reserve(queues.size());
  for (const RedisQueue& queue : queues) keys.push_back(redis_keys::queue(queue.name));
  return keys;
}

std::string field_of(std::string_view info, std::string_view name) {
  const auto at = info.find("\n" + std::string(name) + ":");
  if (at == std::string_view::npos) return {};
  const auto from = at + name.size() + 2;
  return std::string(info.substr(from, info.find_first_of("\r\n", from) - from));
}

// Whether "6.2.14" is at least 6.2. A server that does not tell is not refused.
bool is_new_enough(const std::string& version) {
  int major = 0;
  int minor = 0;
  const char* const end = version.data() + version.size();
  const auto read = std::from_chars(version.data(), end, major);
  if (read.ec != std::errc()) return true;
  if (read.ptr != end) std::from_chars(read.ptr + 1, end, minor);
  return major > 6 || (major == 6 && minor >= 2);
}

}  // namespace

struct RedisJobStore::Impl {
  Impl(const RedisJobStoreOptions& options, const std::string& process,
       redis::RedisConnectionOptions client)
      : context{options, process, redis_keys::OfProcess(process),
                redis::RedisClient(std::move(client)), RedisScripts()},
        job_waiter(context.client, queue_keys(options.redis.queues)),
        callback_waiter(context.client, {redis_keys::queue(options.redis.own_callback_queue)}) {}

  StoreResult<void> check_server();
  StoreResult<void> push_some(std::span<const NewJob> jobs, std::span<const Note> notes);

  RedisStoreContext context;
  RedisClaims claims{context};
  RedisCallbacks callbacks{context};
  RedisSets sets{context};
  RedisPresence presence{context};
  RedisWaiter job_waiter;
  RedisWaiter callback_waiter;
};

StoreResult<void> RedisJobStore::Impl::check_server() {
  const auto pong = run_command(context.client, {"PING"});
  if (!pong) return unexpected(pong.error());
  // INFO may be renamed, or not be allowed: then the version is unknown.
  const auto info = context.client.call(std::array<std::string_view, 1>{"INFO"});
  if (!info) return {};
  const std::string text = "\n" + std::string(info->text());
  const std::string version = field_of(text, "redis_version");
  if (!is_new_enough(version)) {
    return unexpected(StoreFailure{StoreFailure::Kind::kMisuse,
                                   "Redis " + version + " is too old: 6.2 or newer is needed"});
  }
  const std::string policy = field_of(text, "maxmemory_policy");
  if (!policy.empty() && policy != "noeviction") {
    context.options.log.warn("Redis has the maxmemory-policy " + policy +
                             ": it may throw jobs away. Set it to noeviction");
  }
  return {};
}

RedisJobStore::RedisJobStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RedisJobStore::~RedisJobStore() {
  if (const auto left = impl_->presence.leave(); !left) {
    impl_->context.options.log.warn("leave the store: " + left.error().message +
                                    "; the lease ends by itself");
  }
}

StoreResult<std::unique_ptr<RedisJobStore>> RedisJobStore::open(
    const RedisJobStoreOptions& options) {
  auto client = connection_options(options.redis);
  if (!client) return unexpected(std::move(client.error()));
  const std::string prefix =
      options.process_prefix.empty() ? process_prefix() : options.process_prefix;
  auto impl = std::make_unique<Impl>(options, prefix + ":" + base::random_hex(kTokenBytes),
                                     std::move(*client));
  if (auto checked = impl->check_server(); !checked) return unexpected(checked.error());
  if (auto beat = impl->presence.heartbeat(nullptr); !beat) return unexpected(beat.error());
  return std::unique_ptr<RedisJobStore>(new RedisJobStore(std::move(impl)));
}

const std::string& RedisJobStore::process_id() const {
  return impl_->context.process;
}

StoreResult<void> RedisJobStore::push(std::span<const NewJob> jobs, std::span<const Note> notes) {
  // Notes go with the last part: they may say that all of it is there.
  while (jobs.size() > kMostPushed) {
    if (auto done = impl_->push_some(jobs.first(kMostPushed), {}); !done) return done;
    jobs = jobs.subspan(kMostPushed);
  }
  return impl_->push_some(jobs, notes);
}

StoreResult<void> RedisJobStore::Impl::push_some(std::span<const NewJob> jobs,
                                                 std::span<const Note> notes) {
  const std::string& queue = context.options.redis.queues.front().name;
  RedisStep step(context.client, context.scripts.push);
  step.owned_key(redis_keys::queue(queue)).key(redis_keys::kSchedule).key(redis_keys::kQueues);
  step.key(redis_keys::kNotes).key(context.keys.announced).key(redis_keys::kUnneeded);
  step.argument(queue).number(static_cast<std::int64_t>(notes.size()));
  for (const Note& note : notes) step.argument(note.key).argument(note.value);
  const auto now = system_clock::now();
  for (const NewJob& job : jobs) {
    const auto wait = job.run_at
                          ? std::max(std::chrono::ceil<seconds>(*job.run_at - now), seconds(0))
                          : seconds(0);
    step.argument(job.jid).argument(job.bytes);
    step.owned_argument(job.run_at ? to_score(*job.run_at) : std::string());
    step.number((kPushedLifetime + wait).count());
    step.argument(job.payload ? std::string_view(*job.payload) : std::string_view());
  }
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  return {};
}

StoreResult<std::vector<Claim>> RedisJobStore::claim(std::size_t most) {
  auto claims = impl_->claims.claim(most);
  if (claims && !claims->empty()) impl_->job_waiter.found_work();
  return claims;
}

StoreResult<std::vector<ClaimReference>> RedisJobStore::claims() {
  return impl_->claims.claims();
}

StoreResult<std::vector<Settled>> RedisJobStore::complete(std::span<const Completion> completions) {
  return impl_->claims.complete(completions);
}

void RedisJobStore::keep_claims() {
  impl_->presence.keep_claims();
}

StoreResult<std::vector<Settled>> RedisJobStore::complete_as(
    const std::string& process_id, std::span<const Completion> completions) {
  return impl_->claims.complete_as(process_id, completions);
}

StoreResult<std::vector<Settled>> RedisJobStore::fail(std::span<const FailedClaim> failed,
                                                      system_clock::time_point now) {
  return impl_->claims.fail(failed, now);
}

StoreResult<Settled> RedisJobStore::start_suspect(const std::string& claim_id) {
  return impl_->claims.start_suspect(claim_id);
}

StoreResult<std::vector<Settled>> RedisJobStore::release(std::span<const std::string> claim_ids) {
  return impl_->claims.release(claim_ids);
}

StoreResult<std::int64_t> RedisJobStore::rescue_except(std::span<const std::string> spared,
                                                       system_clock::time_point now) {
  return impl_->presence.rescue_except(spared, now);
}

StoreResult<void> RedisJobStore::heartbeat(const ProcessHealth& health) {
  return impl_->presence.heartbeat(&health);
}

StoreResult<std::int64_t> RedisJobStore::promote_due(system_clock::time_point now) {
  return impl_->sets.promote_due(now);
}

StoreResult<std::vector<CallbackClaim>> RedisJobStore::claim_callbacks(std::size_t most) {
  return impl_->callbacks.claim(most);
}

StoreResult<std::vector<Settled>> RedisJobStore::finish_callbacks(std::span<const std::string> ids,
                                                                  std::span<const Note> notes) {
  return impl_->callbacks.finish(ids, notes);
}

StoreResult<std::vector<Settled>> RedisJobStore::fail_callbacks(std::span<const FailedClaim> failed,
                                                                system_clock::time_point now) {
  return impl_->callbacks.fail(failed, now);
}

StoreResult<std::vector<Settled>> RedisJobStore::release_callbacks(
    std::span<const std::string> ids) {
  return impl_->callbacks.release(ids);
}

StoreResult<std::vector<DeadJob>> RedisJobStore::dead_jobs(std::size_t most,
                                                           std::string_view after) {
  return impl_->sets.dead_jobs(most, after);
}

StoreResult<std::int64_t> RedisJobStore::retry_dead(std::span<const std::string> ids) {
  return impl_->sets.retry_dead(ids);
}

StoreResult<std::int64_t> RedisJobStore::delete_dead(std::span<const std::string> ids) {
  return impl_->sets.delete_dead(ids);
}

StoreResult<std::int64_t> RedisJobStore::trim_dead(system_clock::time_point before) {
  return impl_->sets.trim_dead(before);
}

StoreResult<void> RedisJobStore::announce_payloads(std::span<const std::string> payloads) {
  if (payloads.empty()) return {};
  // The process first: a set of a process that nobody knows would never be looked at.
  const auto known =
      run_command(impl_->context.client, {"SADD", redis_keys::kProcesses, impl_->context.process});
  if (!known) return unexpected(known.error());
  std::vector<std::string_view> words = {"SADD", impl_->context.keys.announced};
  words.insert(words.end(), payloads.begin(), payloads.end());
  const auto reply = run_command(impl_->context.client, words);
  if (!reply) return unexpected(reply.error());
  return {};
}

StoreResult<std::vector<std::string>> RedisJobStore::unneeded_payloads(std::size_t most,
                                                                       std::string_view after) {
  const std::string from = after.empty() ? "-" : "(" + std::string(after);
  const auto reply = run_command(impl_->context.client, {"ZRANGEBYLEX", redis_keys::kUnneeded, from,
                                                         "+", "LIMIT", "0", std::to_string(most)});
  if (!reply) return unexpected(reply.error());
  std::vector<std::string> payloads;
  for (const RedisReply& one : reply->array()) payloads.emplace_back(one.text());
  return payloads;
}

StoreResult<void> RedisJobStore::forget_payloads(std::span<const std::string> payloads) {
  if (payloads.empty()) return {};
  RedisStep step(impl_->context.client, impl_->context.scripts.forget_payloads);
  step.key(redis_keys::kUnneeded);
  for (const std::string& payload : payloads) step.argument(payload);
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  return {};
}

StoreResult<std::vector<std::string>> RedisJobStore::removed_payloads(
    system_clock::time_point until) {
  return impl_->sets.removed_payloads(until);
}

StoreResult<std::optional<std::string>> RedisJobStore::note(std::string_view key) {
  const auto reply = run_command(impl_->context.client, {"HGET", redis_keys::kNotes, key});
  if (!reply) return unexpected(reply.error());
  if (reply->is_nil()) return std::nullopt;
  return std::string(reply->text());
}

StoreResult<Statistics> RedisJobStore::statistics() {
  const auto reply = run_command(impl_->context.client, {"HGETALL", redis_keys::kTotals});
  if (!reply) return unexpected(reply.error());
  Statistics statistics;
  const auto& parts = reply->array();
  for (std::size_t at = 0; at + 1 < parts.size(); at += 2) {
    read_total(statistics, parts[at].text(), base::leading_number(parts[at + 1].text()));
  }
  return statistics;
}

StoreResult<void> RedisJobStore::clear_statistics() {
  const auto reply = run_command(impl_->context.client, {"DEL", redis_keys::kTotals});
  if (!reply) return unexpected(reply.error());
  return {};
}

StoreResult<JobCounts> RedisJobStore::counts() {
  const RedisOptions& options = impl_->context.options.redis;
  RedisStep step(impl_->context.client, impl_->context.scripts.count);
  step.key(redis_keys::kProcesses).key(redis_keys::kSchedule).key(redis_keys::kRetry);
  step.key(redis_keys::kDead).owned_key(redis_keys::queue(options.own_callback_queue));
  for (std::string& key : queue_keys(options.queues)) step.owned_key(std::move(key));
  const auto reply = step.number(kMostCounted).run();
  if (!reply) return unexpected(reply.error());
  const auto& parts = reply->array();
  if (parts.size() != 7) {
    return unexpected(
        StoreFailure{StoreFailure::Kind::kDamaged, "the counts of Redis are incomplete"});
  }
  return JobCounts{parts[0].integer(), parts[1].integer(), parts[2].integer(), parts[3].integer(),
                   parts[4].integer(), parts[5].integer(), parts[6].integer()};
}

Wait RedisJobStore::wait_for_jobs(std::chrono::steady_clock::time_point deadline) {
  const auto& queues = impl_->context.options.redis.queues;
  const auto states = impl_->claims.queue_states();
  std::vector<bool> is_polled;
  for (std::size_t i = 0; i < queues.size(); ++i)
    is_polled.push_back(queues[i].is_shared || states[i] != RedisClaims::QueueState::kOpen);
  return impl_->job_waiter.wait(is_polled, deadline);
}

Wait RedisJobStore::wait_for_callbacks(std::chrono::steady_clock::time_point deadline) {
  return impl_->callback_waiter.wait({false}, deadline);
}

void RedisJobStore::wake() {
  impl_->job_waiter.wake();
  impl_->callback_waiter.wake();
}

}  // namespace patient_http::jobs
