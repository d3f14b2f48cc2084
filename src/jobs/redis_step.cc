#include "jobs/redis_step.h"

#include <utility>

#include "embedded/lua/claim.lua.h"
#include "embedded/lua/claim_callbacks.lua.h"
#include "embedded/lua/common.lua.h"
#include "embedded/lua/complete.lua.h"
#include "embedded/lua/count.lua.h"
#include "embedded/lua/delete_dead.lua.h"
#include "embedded/lua/due.lua.h"
#include "embedded/lua/fail.lua.h"
#include "embedded/lua/forget_payloads.lua.h"
#include "embedded/lua/heartbeat.lua.h"
#include "embedded/lua/leave.lua.h"
#include "embedded/lua/move.lua.h"
#include "embedded/lua/push.lua.h"
#include "embedded/lua/release.lua.h"
#include "embedded/lua/removed_payloads.lua.h"
#include "embedded/lua/rescue.lua.h"
#include "embedded/lua/settle_callbacks.lua.h"
#include "embedded/lua/sidekiq_beat.lua.h"
#include "embedded/lua/start_suspect.lua.h"
#include "embedded/lua/take_orphans.lua.h"
#include "embedded/lua/unlock.lua.h"

namespace patient_http::jobs {

namespace {

std::string_view with_common(std::deque<std::string>& texts, std::string_view text) {
  return texts.emplace_back(std::string(embedded::kCommonLua) + std::string(text));
}

}  // namespace

RedisScripts::RedisScripts()
    : claim("claim", with_common(texts, embedded::kClaimLua)),
      complete("complete", with_common(texts, embedded::kCompleteLua)),
      fail("fail", with_common(texts, embedded::kFailLua)),
      release("release", with_common(texts, embedded::kReleaseLua)),
      heartbeat("heartbeat", with_common(texts, embedded::kHeartbeatLua)),
      rescue("rescue", with_common(texts, embedded::kRescueLua)),
      leave("leave", with_common(texts, embedded::kLeaveLua)),
      push("push", with_common(texts, embedded::kPushLua)),
      move("move", with_common(texts, embedded::kMoveLua)),
      delete_dead("delete_dead", with_common(texts, embedded::kDeleteDeadLua)),
      claim_callbacks("claim_callbacks", with_common(texts, embedded::kClaimCallbacksLua)),
      settle_callbacks("settle_callbacks", with_common(texts, embedded::kSettleCallbacksLua)),
      count("count", with_common(texts, embedded::kCountLua)),
      take_orphans("take_orphans", with_common(texts, embedded::kTakeOrphansLua)),
      unlock("unlock", with_common(texts, embedded::kUnlockLua)),
      forget_payloads("forget_payloads", with_common(texts, embedded::kForgetPayloadsLua)),
      start_suspect("start_suspect", with_common(texts, embedded::kStartSuspectLua)),
      removed_payloads("removed_payloads", with_common(texts, embedded::kRemovedPayloadsLua)),
      sidekiq_beat("sidekiq_beat", with_common(texts, embedded::kSidekiqBeatLua)),
      due("due", with_common(texts, embedded::kDueLua)) {}

StoreFailure odd_reply(const char* step) {
  return {StoreFailure::Kind::kDamaged,
          std::string("the answer of Redis to \"") + step + "\" has another shape than it should"};
}

StoreFailure to_store_failure(const redis::RedisFailure& failure) {
  return {StoreFailure::Kind::kUnavailable, failure.message};
}

RedisStep& RedisStep::key(std::string_view key) {
  keys_.push_back(key);
  return *this;
}

RedisStep& RedisStep::argument(std::string_view text) {
  arguments_.push_back(text);
  size_ += text.size();
  return *this;
}

RedisStep& RedisStep::owned_key(std::string text) {
  return key(owned_.emplace_back(std::move(text)));
}

RedisStep& RedisStep::owned_argument(std::string text) {
  return argument(owned_.emplace_back(std::move(text)));
}

RedisStep& RedisStep::number(std::int64_t number) {
  return owned_argument(std::to_string(number));
}

StoreResult<redis::RedisReply> RedisStep::run() {
  auto reply = client_.run(script_, keys_, arguments_);
  if (!reply) return unexpected(to_store_failure(reply.error()));
  return std::move(*reply);
}

StoreResult<redis::RedisReply> run_command(redis::RedisClient& client,
                                           const std::vector<std::string_view>& words) {
  auto reply = client.call(words);
  if (!reply) return unexpected(to_store_failure(reply.error()));
  return std::move(*reply);
}

}  // namespace patient_http::jobs
