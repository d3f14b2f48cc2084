#include "jobs/redis_callbacks.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "patient_http/json.h"

namespace patient_http::jobs {

using std::chrono::system_clock;

namespace {

std::string jid_in(const std::string& bytes) {
  const auto job = Json::parse(bytes);
  const Json* const jid = job ? job->find("jid") : nullptr;
  const std::string* const text = jid != nullptr ? jid->if_string() : nullptr;
  return text != nullptr ? *text : std::string();
}

struct CallbackId {
  std::string_view number;
  std::string_view jid;
};

// Of an id that is not of this process: a number that is never used.
CallbackId parse_id(std::string_view id, std::string_view process) {
  const auto colon = std::min(id.find(':'), id.size());
  std::string_view rest = id.substr(std::min(colon + 1, id.size()));
  if (!rest.starts_with(process) || !rest.substr(process.size()).starts_with('/')) return {"0", ""};
  return {id.substr(0, colon), rest.substr(process.size() + 1)};
}

std::int64_t number_in(std::string_view id) {
  std::int64_t number = 0;
  std::from_chars(id.data(), id.data() + id.size(), number);
  return number;
}

}  // namespace

StoreResult<std::vector<CallbackClaim>> RedisCallbacks::claim(std::size_t most) {
  if (most == 0) return std::vector<CallbackClaim>{};
  std::int64_t number = 0;
  {
    base::MutexLock lock(mutex_);
    number = next_number_;
    next_number_ += static_cast<std::int64_t>(most);
  }
  RedisStep step(context_.client, context_.scripts.claim_callbacks);
  step.owned_key(redis_keys::queue(context_.options.redis.own_callback_queue));
  step.key(context_.keys.callbacks).key(redis_keys::kProcesses).key(redis_keys::kRescues);
  step.argument(context_.process).number(static_cast<std::int64_t>(most)).number(number);
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  std::vector<CallbackClaim> claims;
  const auto& parts = reply->array();
  for (std::size_t at = 0; at + 1 < parts.size(); at += 2) {
    CallbackClaim claim;
    claim.rescues = static_cast<int>(parts[at].integer());
    claim.bytes = std::string(parts[at + 1].text());
    claim.jid = jid_in(claim.bytes);
    claim.id = std::to_string(number++) + ":" + context_.process + "/" + claim.jid;
    claims.push_back(std::move(claim));
  }
  return claims;
}

StoreResult<std::vector<Settled>> RedisCallbacks::finish(std::span<const std::string> ids,
                                                         std::span<const Note> notes) {
  std::vector<Entry> entries;
  for (const std::string& id : ids) entries.push_back({id, "finish"});
  return settle(entries, notes, system_clock::now());
}

StoreResult<std::vector<Settled>> RedisCallbacks::fail(std::span<const FailedClaim> failed,
                                                       system_clock::time_point now) {
  std::vector<Entry> entries;
  for (const FailedClaim& one : failed) {
    entries.push_back({one.claim_id, one.retry_at ? "retry" : "dead",
                       one.bytes ? std::string_view(*one.bytes) : std::string_view(),
                       one.retry_at ? to_score(*one.retry_at) : std::string(), one.reason});
  }
  return settle(entries, {}, now);
}

StoreResult<std::vector<Settled>> RedisCallbacks::release(std::span<const std::string> ids) {
  std::vector<Entry> entries;
  for (const std::string& id : ids) entries.push_back({id, "release"});
  // What is pushed to the front last is the first to run.
  std::vector<std::size_t> order(ids.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return number_in(ids[a]) > number_in(ids[b]);
  });
  std::vector<Entry> sorted;
  sorted.reserve(order.size());
  for (const std::size_t index : order) sorted.push_back(entries[index]);
  auto settled = settle(sorted, {}, system_clock::now());
  if (!settled) return settled;
  std::vector<Settled> in_order(ids.size(), Settled::kClaimGone);
  for (std::size_t i = 0; i < order.size(); ++i) in_order[order[i]] = (*settled)[i];
  return in_order;
}

StoreResult<std::vector<Settled>> RedisCallbacks::settle(const std::vector<Entry>& entries,
                                                         std::span<const Note> notes,
                                                         system_clock::time_point now) {
  if (entries.empty() && notes.empty()) return std::vector<Settled>{};
  const std::string& queue = context_.options.redis.own_callback_queue;
  RedisStep step(context_.client, context_.scripts.settle_callbacks);
  step.key(context_.keys.callbacks).owned_key(redis_keys::queue(queue)).key(redis_keys::kQueues);
  step.key(redis_keys::kRetry).key(redis_keys::kDead).key(redis_keys::kUnneeded);
  step.key(redis_keys::kNotes).key(redis_keys::kRescues);
  step.argument(queue).owned_argument(to_score(now));
  step.number(static_cast<std::int64_t>(notes.size()));
  for (const Note& note : notes) step.argument(note.key).argument(note.value);
  for (const Entry& entry : entries) {
    const auto [number, jid] = parse_id(entry.id, context_.process);
    step.argument(number).argument(jid);
    step.argument(entry.step).argument(entry.bytes).argument(entry.at).argument(entry.reason);
  }
  const auto reply = step.run();
  if (!reply) return unexpected(reply.error());
  std::vector<Settled> settled;
  for (const auto& one : reply->array())
    settled.push_back(one.integer() == 1 ? Settled::kDone : Settled::kClaimGone);
  if (settled.size() != entries.size()) {
    return unexpected(StoreFailure{StoreFailure::Kind::kDamaged,
                                   "the answer of Redis to \"settle_callbacks\" has another shape "
                                   "than it should"});
  }
  return settled;
}

}  // namespace patient_http::jobs
