#include "jobs/redis_claims.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <utility>

#include "base/random.h"
#include "base/text.h"
#include "jobs/queue_order.h"

namespace patient_http::jobs {

using redis::RedisReply;
using std::chrono::steady_clock;
using std::chrono::system_clock;

namespace {

// How far others' jobs are looked past in a queue.
constexpr std::int64_t kWindow = 100;
// A step carries so many entries, and bytes, so that Redis is never held up for long.
constexpr std::size_t kMostEntries = 256;
constexpr std::size_t kMostBytes = std::size_t{8} << 20;
// What Redis takes as one value.
constexpr std::size_t kLargestValue = (std::size_t{512} << 20) - 1;
constexpr std::size_t kMostReleasedPlaces = 100'000;
constexpr auto kReportEvery = std::chrono::minutes(1);

struct ClaimId {
  std::int64_t number = 0;
  std::string_view number_text;
  std::string_view member;
};

std::optional<ClaimId> parse_id(std::string_view id) {
  ClaimId parsed;
  const auto colon = id.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  parsed.number_text = id.substr(0, colon);
  parsed.member = id.substr(colon + 1);
  const auto end = parsed.number_text.data() + parsed.number_text.size();
  const auto read = std::from_chars(parsed.number_text.data(), end, parsed.number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return parsed;
}

std::string to_id(std::int64_t number, std::string_view member) {
  return std::to_string(number) + ":" + std::string(member);
}

std::string utc_day(system_clock::time_point time) {
  const std::time_t seconds = system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
  return text.data();
}

std::string to_seconds(std::chrono::duration<double> duration) {
  return base::fixed_number(duration.count(), 9);
}

std::vector<Settled> to_settled(const RedisReply& reply) {
  std::vector<Settled> settled;
  for (const RedisReply& one : reply.array())
    settled.push_back(one.integer() == 1 ? Settled::kDone : Settled::kClaimGone);
  return settled;
}

}  // namespace

StoreResult<std::vector<Claim>> RedisClaims::claim(std::size_t most) {
  if (most == 0) return std::vector<Claim>{};
  const auto& queues = context_.options.redis.queues;
  const auto order = order_queues(queues, base::random_fraction);
  std::int64_t first = 0;
  {
    base::MutexLock lock(mutex_);
    first = next_number_;
    next_number_ += static_cast<std::int64_t>(most);
  }
  RedisStep step(context_.client, context_.scripts.claim);
  step.key(redis_keys::kIndex).key(redis_keys::kRegistry).key(context_.keys.claims);
  step.key(context_.keys.facts).key(redis_keys::kProcesses).key(redis_keys::kSchedule);
  step.key(redis_keys::kRescues).key(redis_keys::kDeaths).key(redis_keys::kPaused);
  step.argument(context_.process).number(static_cast<std::int64_t>(most)).number(first);
  step.number(registry_lifetime(context_.options.redis).count()).number(kWindow);
  for (const std::size_t index : order) {
    step.owned_key(redis_keys::queue(queues[index].name));
    step.argument(queues[index].name).argument(queues[index].is_shared ? "1" : "0");
  }
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  return read_claims(*reply, order, first);
}

StoreResult<std::vector<Claim>> RedisClaims::read_claims(const RedisReply& reply,
                                                         const std::vector<std::size_t>& order,
                                                         std::int64_t first_number) {
  constexpr std::size_t kParts = 5;
  const auto& parts = reply.array();
  const std::size_t head = 1 + order.size();
  if (parts.size() < head || (parts.size() - head) % kParts != 0)
    return unexpected(odd_reply("claim"));
  if (parts[0].integer() > 0) {
    context_.options.log.warn(std::to_string(parts[0].integer()) +
                              " jobs wait for a minute: their request id is running here");
  }
  for (std::size_t i = 0; i < order.size(); ++i) note_left_alone(order[i], parts[1 + i].integer());

  std::vector<Claim> claims;
  base::MutexLock lock(mutex_);
  for (std::size_t at = head; at < parts.size(); at += kParts) {
    const std::int64_t number = first_number + static_cast<std::int64_t>(claims.size());
    Claim claim;
    claim.id = to_id(number, parts[at].text());
    claim.jid = std::string(parts[at + 1].text());
    claim.rescues = static_cast<int>(parts[at + 2].integer());
    claim.deaths = static_cast<int>(parts[at + 3].integer());
    claim.bytes = std::string(parts[at + 4].text());
    if (const auto node = released_places_.extract(claim.jid); !node.empty())
      places_[number] = node.mapped();
    claims.push_back(std::move(claim));
  }
  return claims;
}

void RedisClaims::note_left_alone(std::size_t queue, std::int64_t count) {
  const RedisQueue& options = context_.options.redis.queues[queue];
  const bool is_full_of_others = options.is_shared ? count >= kWindow : count > 0;
  {
    base::MutexLock lock(mutex_);
    states_.resize(context_.options.redis.queues.size(), QueueState::kOpen);
    states_[queue] = count < 0           ? QueueState::kPaused
                     : is_full_of_others ? QueueState::kObstructed
                                         : QueueState::kOpen;
    if (!is_full_of_others) return;
    const auto now = steady_clock::now();
    const auto known = reported_.find(queue);
    if (known != reported_.end() && now - known->second < kReportEvery) return;
    reported_[queue] = now;
  }
  context_.options.log.warn(
      "queue \"" + options.name + "\": " + std::to_string(count) +
      (options.is_shared
           ? " jobs of other classes are in front; ours behind them wait, since only the first "
             "100 are looked at"
           : " jobs are left where they are: they are of other classes, in a batch or encrypted by "
             "Sidekiq. If other workers use this queue, give it as a shared queue"));
}

std::vector<RedisClaims::QueueState> RedisClaims::queue_states() const {
  base::MutexLock lock(mutex_);
  auto states = states_;
  states.resize(context_.options.redis.queues.size(), QueueState::kOpen);
  return states;
}

StoreResult<std::vector<ClaimReference>> RedisClaims::claims() {
  const auto reply = run_command(context_.client, {"HGETALL", context_.keys.facts});
  if (!reply) return unexpected(reply.error());
  struct Found {
    std::int64_t number;
    ClaimReference reference;
  };
  std::vector<Found> found;
  const auto& parts = reply->array();
  for (std::size_t at = 0; at + 1 < parts.size(); at += 2) {
    // "<number>\n<queue>\n<jid>\n<payload>"
    const std::string_view facts = parts[at + 1].text();
    std::array<std::string_view, 3> lines;
    std::size_t from = 0;
    for (std::string_view& line : lines) {
      const std::size_t end = std::min(facts.find('\n', from), facts.size());
      line = facts.substr(from, end - from);
      from = std::min(end + 1, facts.size());
    }
    std::int64_t number = 0;
    std::from_chars(lines[0].data(), lines[0].data() + lines[0].size(), number);
    found.push_back({number, {to_id(number, parts[at].text()), std::string(lines[2])}});
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.number < b.number; });
  std::vector<ClaimReference> references;
  references.reserve(found.size());
  for (Found& one : found) references.push_back(std::move(one.reference));
  return references;
}

StoreResult<std::vector<Settled>> RedisClaims::complete(std::span<const Completion> completions) {
  return complete_of(context_.process, context_.keys, completions);
}

StoreResult<std::vector<Settled>> RedisClaims::complete_as(
    const std::string& process, std::span<const Completion> completions) {
  const redis_keys::OfProcess keys(process);
  const auto lives = run_command(context_.client, {"GET", keys.lease});
  if (!lives) return unexpected(lives.error());
  if (!lives->is_nil() && lives->text() != redis_keys::kLeftLease) {
    return unexpected(StoreFailure{StoreFailure::Kind::kInUse, "process " + process + " lives"});
  }
  return complete_of(process, keys, completions);
}

StoreResult<std::vector<Settled>> RedisClaims::complete_of(
    const std::string& process, const redis_keys::OfProcess& keys,
    std::span<const Completion> completions) {
  for (const Completion& completion : completions) {
    if (completion.callback_bytes.size() > kLargestValue) {
      return unexpected(StoreFailure{StoreFailure::Kind::kMisuse,
                                     "a callback job of " +
                                         std::to_string(completion.callback_bytes.size()) +
                                         " bytes is more than Redis takes; a payload store keeps "
                                         "what is large"});
    }
  }
  std::vector<Settled> settled;
  settled.reserve(completions.size());
  while (settled.size() < completions.size()) {
    const auto done = complete_some(process, keys, completions.subspan(settled.size()), settled);
    if (!done) return unexpected(done.error());
  }
  return settled;
}

StoreResult<std::size_t> RedisClaims::complete_some(const std::string& process,
                                                    const redis_keys::OfProcess& keys,
                                                    std::span<const Completion> completions,
                                                    std::vector<Settled>& settled) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::vector<std::string_view> queues;
  const std::string_view own = context_.options.redis.own_callback_queue;
  const auto queue_of = [&](const Completion& completion) -> std::string_view {
    return completion.sidekiq_queue ? std::string_view(*completion.sidekiq_queue) : own;
  };
  while (count < completions.size() && count < kMostEntries && (count == 0 || bytes < kMostBytes)) {
    const Completion& completion = completions[count++];
    bytes += completion.callback_bytes.size();
    if (std::find(queues.begin(), queues.end(), queue_of(completion)) == queues.end())
      queues.push_back(queue_of(completion));
  }
  RedisStep step(context_.client, context_.scripts.complete);
  step.key(redis_keys::kIndex).key(redis_keys::kRegistry).key(keys.claims);
  step.key(keys.facts).key(keys.announced).key(redis_keys::kUnneeded);
  step.key(redis_keys::kSuspects).key(redis_keys::kDeaths).key(redis_keys::kRescues);
  step.key(redis_keys::kTotals).key(redis_keys::kQueues).key(redis_keys::kProcessed);
  step.owned_key(std::string(redis_keys::kProcessed) + ":" + utc_day(system_clock::now()));
  for (const std::string_view name : queues) step.owned_key(redis_keys::queue(name));
  step.argument(process).number(static_cast<std::int64_t>(queues.size()));
  for (const std::string_view name : queues) step.argument(name);
  for (const Completion& completion : completions.first(count)) {
    // An id that is none of ours names no member.
    const ClaimId id = parse_id(completion.claim_id).value_or(ClaimId{0, "0", ""});
    const auto queue = std::find(queues.begin(), queues.end(), queue_of(completion));
    const RequestStatistics& statistics = completion.statistics;
    step.argument(id.number_text).argument(id.member).argument(completion.callback_jid);
    step.argument(completion.callback_bytes).number(queue - queues.begin() + 1);
    step.argument(completion.sidekiq_queue ? "0" : "1");
    step.owned_argument(to_seconds(statistics.duration));
    step.owned_argument(statistics.http_status ? std::to_string(*statistics.http_status) : "");
    step.argument(statistics.error_type ? std::string_view(*statistics.error_type) : "");
    step.argument(completion.payload ? std::string_view(*completion.payload) : "");
  }
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  const auto answers = to_settled(*reply);
  if (answers.size() != count) return unexpected(odd_reply("complete"));
  settled.insert(settled.end(), answers.begin(), answers.end());
  base::MutexLock lock(mutex_);
  for (const Completion& completion : completions.first(count)) {
    if (const auto id = parse_id(completion.claim_id)) places_.erase(id->number);
  }
  return count;
}

StoreResult<std::vector<Settled>> RedisClaims::fail(std::span<const FailedClaim> failed,
                                                    system_clock::time_point now) {
  if (failed.empty()) return std::vector<Settled>{};
  const std::string day = utc_day(system_clock::now());
  RedisStep step(context_.client, context_.scripts.fail);
  step.key(redis_keys::kIndex).key(redis_keys::kRegistry).key(context_.keys.claims);
  step.key(context_.keys.facts).key(redis_keys::kSuspects).key(redis_keys::kSchedule);
  step.key(redis_keys::kRetry).key(redis_keys::kDead).key(redis_keys::kProcessed);
  step.owned_key(std::string(redis_keys::kProcessed) + ":" + day).key(redis_keys::kFailed);
  step.owned_key(std::string(redis_keys::kFailed) + ":" + day);
  step.key(redis_keys::kRescues).key(redis_keys::kDeaths);
  step.argument(context_.process).owned_argument(to_score(now));
  for (const FailedClaim& one : failed) {
    const ClaimId id = parse_id(one.claim_id).value_or(ClaimId{0, "0", ""});
    step.argument(id.number_text)
        .argument(id.member)
        .argument(!one.bytes       ? "0"
                  : one.only_waits ? "2"
                                   : "1");
    step.argument(one.bytes ? std::string_view(*one.bytes) : "");
    step.owned_argument(one.retry_at ? to_score(*one.retry_at) : "").argument(one.reason);
  }
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  auto settled = to_settled(*reply);
  if (settled.size() != failed.size()) return unexpected(odd_reply("fail"));
  base::MutexLock lock(mutex_);
  for (const FailedClaim& one : failed) {
    if (const auto id = parse_id(one.claim_id)) places_.erase(id->number);
  }
  return settled;
}

std::int64_t RedisClaims::place_of(std::int64_t number) {
  base::MutexLock lock(mutex_);
  const auto known = places_.find(number);
  return known != places_.end() ? known->second : number;
}

StoreResult<std::vector<Settled>> RedisClaims::release(std::span<const std::string> claim_ids) {
  struct Entry {
    std::size_t index;
    ClaimId id;
    std::int64_t place;
  };
  std::vector<Settled> settled(claim_ids.size(), Settled::kClaimGone);
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < claim_ids.size(); ++i) {
    if (const auto id = parse_id(claim_ids[i])) entries.push_back({i, *id, place_of(id->number)});
  }
  // What is pushed to the front last is the first to run: from the last place to the first.
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.place > b.place; });
  for (std::size_t from = 0; from < entries.size();) {
    const std::size_t most = std::min(from + kMostEntries, entries.size());
    RedisStep step(context_.client, context_.scripts.release);
    step.key(redis_keys::kIndex).key(redis_keys::kRegistry).key(context_.keys.claims);
    step.key(context_.keys.facts).key(redis_keys::kSuspects).key(redis_keys::kQueues);
    step.argument(context_.process);
    for (std::size_t i = from; i < most; ++i)
      step.argument(entries[i].id.number_text).argument(entries[i].id.member);
    const auto reply = step.run();
    if (!reply) return unexpected(reply.error());
    const auto& jids = reply->array();
    if (jids.empty() || jids.size() > most - from) return unexpected(odd_reply("release"));
    base::MutexLock lock(mutex_);
    if (released_places_.size() > kMostReleasedPlaces) released_places_.clear();
    const std::size_t end = from + jids.size();
    for (std::size_t i = from; i < end; ++i) {
      places_.erase(entries[i].id.number);
      if (jids[i - from].is_nil()) continue;
      settled[entries[i].index] = Settled::kDone;
      released_places_[std::string(jids[i - from].text())] = entries[i].place;
    }
    from = end;
  }
  return settled;
}

StoreResult<Settled> RedisClaims::start_suspect(const std::string& claim_id) {
  const auto id = parse_id(claim_id);
  if (!id) return Settled::kClaimGone;
  RedisStep step(context_.client, context_.scripts.start_suspect);
  step.key(redis_keys::kRegistry).key(context_.keys.facts).key(redis_keys::kSuspects);
  step.argument(context_.process).argument(id->number_text).argument(id->member);
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  return reply->integer() == 1 ? Settled::kDone : Settled::kClaimGone;
}

}  // namespace patient_http::jobs
