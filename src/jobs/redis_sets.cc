#include "jobs/redis_sets.h"

#include <algorithm>
#include <utility>

#include "base/json_splice.h"
#include "base/json_text.h"
#include "drivers/crypto/sha256.h"
#include "jobs/sidekiq_classes.h"
#include "jobs/sidekiq_time.h"
#include "patient_http/json.h"

namespace patient_http::jobs {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

namespace {

constexpr std::size_t kPage = 100;
// So many dead entries of other classes are looked past.
constexpr std::size_t kMostOthers = 1000;
// What one call of a script looks at, so that Redis is never held up for long.
constexpr std::int64_t kMostLookedAt = 500;
// Ours that have just become due need not wait for a look through what is older.
constexpr std::int64_t kNewest = 50;
constexpr std::int64_t kMostBytesAtOnce = std::int64_t{2} << 20;
// What of others is looked past in one round. Rounds follow each other by half a second.
constexpr std::int64_t kMostOthersInARound = 2000;
constexpr std::int64_t kMostBytesInARound = std::int64_t{8} << 20;
// A look at nothing but others' entries is followed by a pause: a second for each 2 MB.
constexpr std::int64_t kBytesPerMillisecond = 2000;
constexpr milliseconds kMostPause = std::chrono::seconds(5);

std::string text_of(const Json& job, std::string_view key) {
  const Json* const value = job.find(key);
  const std::string* const text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? *text : std::string();
}

bool is_set(const Json& job, std::string_view key) {
  const Json* const value = job.find(key);
  return value != nullptr && !value->is_null();
}

// What is known of an entry that concerns us.
struct Ours {
  bool is_callback = false;
  std::string jid;
  std::string queue;
  std::string reason;
};

// None for jobs of other classes, and of Sidekiq's batches and encryption, which Ruby has to run.
std::optional<Ours> read_ours(const std::string& bytes) {
  const bool names_request = bytes.find(kRequestClass) != std::string::npos;
  if (!names_request && bytes.find(kCallbackClass) == std::string::npos) return std::nullopt;
  const auto job = Json::parse(bytes);
  if (!job) return std::nullopt;
  const std::string name = text_of(*job, "class");
  if (name != kRequestClass && name != kCallbackClass) return std::nullopt;
  if (is_set(*job, "bid") || is_set(*job, "encrypt")) return std::nullopt;
  Ours ours{name == kCallbackClass, text_of(*job, "jid"), text_of(*job, "queue"),
            text_of(*job, "error_message")};
  if (ours.queue.empty()) return std::nullopt;
  return ours;
}

// Broken bytes that were in a queue of requests: there is no class to go by.
bool is_broken_request(const std::string& bytes) {
  return bytes.find(kRequestClass) != std::string::npos && !Json::parse(bytes);
}

std::string id_of(std::string_view score, std::string_view bytes) {
  constexpr std::size_t kDigits = 24;
  return std::string(score) + ":" + crypto::sha256_hex(bytes).substr(0, kDigits);
}

}  // namespace

StoreResult<std::vector<RedisSets::Entry>> RedisSets::read(
    const std::vector<std::string_view>& command) {
  const auto reply = run_command(context_.client, command);
  if (!reply) return unexpected(reply.error());
  std::vector<Entry> entries;
  const auto& parts = reply->array();
  for (std::size_t at = 0; at + 1 < parts.size(); at += 2)
    entries.push_back({std::string(parts[at].text()), std::string(parts[at + 1].text())});
  return entries;
}

StoreResult<std::int64_t> RedisSets::promote_due(system_clock::time_point now) {
  Look retry;
  Look schedule;
  {
    base::MutexLock lock(mutex_);
    retry = retry_;
    schedule = schedule_;
  }
  auto retried = promote_due_of(redis_keys::kRetry, retry, now);
  if (!retried) return retried;
  auto scheduled = promote_due_of(redis_keys::kSchedule, schedule, now);
  if (!scheduled) return scheduled;
  base::MutexLock lock(mutex_);
  retry_ = retry;
  schedule_ = schedule;
  return *retried + *scheduled;
}

StoreResult<std::int64_t> RedisSets::promote_due_of(std::string_view set, Look& look,
                                                    system_clock::time_point now) {
  const std::string until = to_score(now);
  const bool is_paused = steady_clock::now() < look.next;
  std::int64_t promoted = 0;
  if (is_paused || look.passed > 0) {
    Look newest{.passed = -kNewest};
    const auto seen = look_on(set, newest, until, promoted);
    if (!seen) return unexpected(seen.error());
    if (is_paused) return promoted;
  }
  const Look begun = look;
  while (look.passed - begun.passed < kMostOthersInARound &&
         look.bytes - begun.bytes < kMostBytesInARound) {
    const auto is_more = look_on(set, look, until, promoted);
    if (!is_more) return unexpected(is_more.error());
    if (*is_more) continue;
    // Those that became due behind it meanwhile, and any that came before it, are for the next
    // look.
    Look next;
    if (!look.has_found) {
      next.next =
          steady_clock::now() +
          std::min<milliseconds>(milliseconds(look.bytes / kBytesPerMillisecond), kMostPause);
    }
    look = next;
    break;
  }
  return promoted;
}

StoreResult<bool> RedisSets::look_on(std::string_view set, Look& look, const std::string& until,
                                     std::int64_t& promoted) {
  RedisStep step(context_.client, context_.scripts.due);
  step.key(set).argument(until).number(look.passed).number(kMostLookedAt).number(kMostBytesAtOnce);
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  const auto& parts = reply->array();
  if (parts.size() < 3) return unexpected(odd_reply("due"));
  look.passed += parts[0].integer();
  look.bytes += parts[1].integer();
  std::vector<Move> moves;
  for (std::size_t at = 3; at < parts.size(); ++at) {
    std::string from(parts[at].text());
    const auto ours = read_ours(from);
    if (!ours) continue;
    --look.passed;
    look.bytes -= static_cast<std::int64_t>(from.size());
    std::string to = from;
    base::set_json_member(to, "enqueued_at", sidekiq_time(system_clock::now()));
    moves.push_back({std::move(from), std::move(to), ours->queue});
  }
  look.has_found = look.has_found || !moves.empty();
  const auto moved = move(set, moves);
  if (!moved) return unexpected(moved.error());
  promoted += *moved;
  return parts[2].integer() == 1;
}

StoreResult<std::vector<std::string>> RedisSets::removed_payloads(system_clock::time_point until) {
  RedisStep step(context_.client, context_.scripts.removed_payloads);
  step.key(redis_keys::kRetry).owned_argument(to_score(until));
  const auto reply = step.argument(context_.options.redis.own_callback_queue).run();
  if (!reply) return unexpected(reply.error());
  std::vector<std::string> payloads;
  for (const auto& one : reply->array()) payloads.emplace_back(one.text());
  return payloads;
}

StoreResult<std::int64_t> RedisSets::move(std::string_view set, const std::vector<Move>& moves) {
  if (moves.empty()) return 0;
  std::vector<std::string_view> queues;
  for (const Move& one : moves) {
    if (std::find(queues.begin(), queues.end(), one.queue) == queues.end())
      queues.push_back(one.queue);
  }
  RedisStep step(context_.client, context_.scripts.move);
  step.key(set).key(redis_keys::kQueues);
  for (const std::string_view name : queues) step.owned_key(redis_keys::queue(name));
  step.number(static_cast<std::int64_t>(queues.size()));
  for (const std::string_view name : queues) step.argument(name);
  for (const Move& one : moves) {
    const auto queue = std::find(queues.begin(), queues.end(), one.queue);
    step.argument(one.from).argument(one.to).number(queue - queues.begin() + 1);
  }
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  std::int64_t moved = 0;
  for (const auto& one : reply->array()) moved += one.integer();
  return moved;
}

StoreResult<std::vector<DeadJob>> RedisSets::dead_jobs(std::size_t most, std::string_view after) {
  const std::string from(after.substr(0, after.find(':')));
  const std::string page = std::to_string(kPage);
  std::vector<DeadJob> found;
  // Of those that died in the same moment as `after`, the ones that come after it.
  bool is_past = after.empty();
  for (std::size_t offset = 0; found.size() < most;) {
    const auto entries =
        read({"ZREVRANGEBYSCORE", redis_keys::kDead, from.empty() ? "+inf" : std::string_view(from),
              "-inf", "WITHSCORES", "LIMIT", std::to_string(offset), page});
    if (!entries) return unexpected(entries.error());
    for (const Entry& entry : *entries) {
      if (found.size() == most) break;
      const auto ours = read_ours(entry.bytes);
      if (!ours && !is_broken_request(entry.bytes)) continue;
      std::string id = id_of(entry.score, entry.bytes);
      if (!is_past && entry.score == from) {
        is_past = id == after;
        continue;
      }
      is_past = true;
      DeadJob dead;
      dead.id = std::move(id);
      if (ours) {
        dead.jid = ours->jid;
        dead.is_callback = ours->is_callback;
        dead.reason = ours->reason;
      }
      dead.bytes = entry.bytes;
      dead.died = from_score(entry.score);
      found.push_back(std::move(dead));
    }
    if (entries->size() < kPage) break;
    offset += entries->size();
  }
  return found;
}

StoreResult<std::optional<RedisSets::Entry>> RedisSets::find_dead(std::string_view id) {
  const auto colon = id.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string score(id.substr(0, colon));
  // What is no number would be an error of Redis's.
  if (score.empty() || score.find_first_not_of("0123456789.e+-") != std::string::npos)
    return std::nullopt;
  auto entries = read({"ZRANGEBYSCORE", redis_keys::kDead, score, score, "WITHSCORES"});
  if (!entries) return unexpected(entries.error());
  for (Entry& entry : *entries) {
    if (id_of(entry.score, entry.bytes) == id) return std::move(entry);
  }
  return std::nullopt;
}

StoreResult<std::int64_t> RedisSets::retry_dead(std::span<const std::string> ids) {
  std::int64_t revived = 0;
  for (const std::string& id : ids) {
    auto entry = find_dead(id);
    if (!entry) return unexpected(entry.error());
    if (!*entry) continue;
    const auto ours = read_ours((*entry)->bytes);
    // Broken bytes would only die again, and name no queue.
    if (!ours) continue;
    auto moved = move(redis_keys::kDead, {{(*entry)->bytes, (*entry)->bytes, ours->queue}});
    if (!moved) return moved;
    revived += *moved;
  }
  return revived;
}

StoreResult<std::int64_t> RedisSets::delete_dead(std::span<const std::string> ids) {
  std::vector<Entry> entries;
  for (const std::string& id : ids) {
    auto entry = find_dead(id);
    if (!entry) return unexpected(entry.error());
    if (*entry) entries.push_back(std::move(**entry));
  }
  return remove_dead(entries);
}

StoreResult<std::int64_t> RedisSets::remove_dead(const std::vector<Entry>& entries) {
  if (entries.empty()) return 0;
  RedisStep step(context_.client, context_.scripts.delete_dead);
  step.key(redis_keys::kDead).key(redis_keys::kUnneeded);
  for (const Entry& entry : entries) {
    const auto ours = read_ours(entry.bytes);
    step.argument(entry.bytes).owned_argument(ours ? ours->jid : std::string());
    step.argument(ours && ours->is_callback ? "1" : "0");
  }
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  return reply->integer();
}

StoreResult<std::int64_t> RedisSets::trim_dead(system_clock::time_point before) {
  const std::string until = "(" + to_score(before);
  const std::string page = std::to_string(kPage);
  std::int64_t removed = 0;
  for (std::size_t others = 0; others <= kMostOthers;) {
    auto old = read({"ZRANGEBYSCORE", redis_keys::kDead, "-inf", until, "WITHSCORES", "LIMIT",
                     std::to_string(others), page});
    if (!old) return unexpected(old.error());
    const std::size_t count = old->size();
    std::erase_if(*old, [](const Entry& entry) {
      return !read_ours(entry.bytes) && !is_broken_request(entry.bytes);
    });
    auto done = remove_dead(*old);
    if (!done) return done;
    removed += *done;
    if (count < kPage) break;
    others += count - old->size();
  }
  return removed;
}

}  // namespace patient_http::jobs
