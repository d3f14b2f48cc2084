#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/redis/redis_client.h"
#include "drivers/redis/redis_script.h"
#include "jobs/store_failure.h"

namespace patient_http::jobs {

// The scripts of src/jobs/lua, with common.lua put before each. One per process is enough.
struct RedisScripts {
  RedisScripts();

  // What the scripts view; before them.
  std::deque<std::string> texts;
  redis::RedisScript claim, complete, fail, release, heartbeat, rescue, leave, push, move,
      delete_dead, claim_callbacks, settle_callbacks, count, take_orphans, unlock, forget_payloads,
      start_suspect, removed_payloads, sidekiq_beat, due;
};

// A failure of the driver in the terms of the store. Whatever the server refused, it is worth
// another try: a full memory, a script that blocks it, a key of a wrong type, missing rights are
// mended from outside, and results wait until then.
[[nodiscard]] StoreFailure to_store_failure(const redis::RedisFailure& failure);
// For an answer of the server that is no answer to this step.
[[nodiscard]] StoreFailure odd_reply(const char* step);

// A call of a script: its keys and arguments, put together one by one.
class RedisStep {
 public:
  // Both must outlive this object.
  RedisStep(redis::RedisClient& client, const redis::RedisScript& script)
      : client_(client), script_(script) {}

  // Texts that are only viewed must live until run().
  RedisStep& key(std::string_view key);
  RedisStep& argument(std::string_view text);
  RedisStep& owned_key(std::string key);
  RedisStep& owned_argument(std::string text);
  RedisStep& number(std::int64_t number);

  // Bytes of all arguments.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] StoreResult<redis::RedisReply> run();

 private:
  redis::RedisClient& client_;
  const redis::RedisScript& script_;
  std::vector<std::string_view> keys_;
  std::vector<std::string_view> arguments_;
  std::deque<std::string> owned_;  // never moves what is in it
  std::size_t size_ = 0;
};

// A command that is no script, its first word first.
[[nodiscard]] StoreResult<redis::RedisReply> run_command(
    redis::RedisClient& client, const std::vector<std::string_view>& words);

}  // namespace patient_http::jobs
