#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "jobs/job_store.h"
#include "jobs/redis_store_context.h"

namespace patient_http::jobs {

// The callbacks in Redis that we run ourselves: part of RedisJobStore, whose methods these are.
// They wait in a queue of Sidekiq's form that no Ruby process reads, so that Sidekiq's page shows
// them, and its retries and its dead set serve for them too.
//
// A claim's id is "<number>:<process>/<jid>"; the number is this process's and used once.
//
// Thread safety: all methods may be called from any thread.
class RedisCallbacks {
 public:
  // `context` must outlive this object.
  explicit RedisCallbacks(RedisStoreContext& context) : context_(context) {}

  [[nodiscard]] StoreResult<std::vector<CallbackClaim>> claim(std::size_t most);
  [[nodiscard]] StoreResult<std::vector<Settled>> finish(std::span<const std::string> ids,
                                                         std::span<const Note> notes);
  [[nodiscard]] StoreResult<std::vector<Settled>> fail(std::span<const FailedClaim> failed,
                                                       std::chrono::system_clock::time_point now);
  [[nodiscard]] StoreResult<std::vector<Settled>> release(std::span<const std::string> ids);

 private:
  struct Entry {
    std::string_view id;
    std::string_view step;  // as settle_callbacks.lua names it
    std::string_view bytes = {};
    std::string at = {};
    std::string_view reason = {};
  };
  [[nodiscard]] StoreResult<std::vector<Settled>> settle(const std::vector<Entry>& entries,
                                                         std::span<const Note> notes,
                                                         std::chrono::system_clock::time_point now);

  RedisStoreContext& context_;
  base::Mutex mutex_;
  std::int64_t next_number_ GUARDED_BY(mutex_) = 1;
};

}  // namespace patient_http::jobs
