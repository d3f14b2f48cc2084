#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "jobs/process_health.h"
#include "jobs/redis_store_context.h"

namespace patient_http::jobs {

// Who lives and who is dead, among the processes that share a Redis: part of RedisJobStore.
//
// One of ours lives as long as its lease, which Redis itself ends; a Ruby process lives by the rule
// of the gem. Nobody is taken for dead by a process that was itself out of touch with the store:
// after a stall of Redis every lease has ended, and nobody is dead.
//
// Thread safety: all methods may be called from any thread.
class RedisPresence {
 public:
  // `context` must outlive this object.
  explicit RedisPresence(RedisStoreContext& context) : context_(context) {}

  // Renews the lease, what the gem's page shows of this process, and its status, which shows
  // `health`; null: none yet.
  [[nodiscard]] StoreResult<void> heartbeat(const ProcessHealth* health);
  // Puts back what dead processes held, but for those in `spared`, and gives how many jobs and
  // callbacks that were.
  [[nodiscard]] StoreResult<std::int64_t> rescue_except(std::span<const std::string> spared,
                                                        std::chrono::system_clock::time_point now);
  // From now on leave() keeps others from the claims that stand.
  void keep_claims() { keeps_claims_ = true; }
  // Ends the lease. What this process holds still is left to the others, at once; after
  // keep_claims() it is theirs five minutes later.
  [[nodiscard]] StoreResult<void> leave();

 private:
  // Whether every heartbeat of that time was answered.
  [[nodiscard]] bool is_in_touch_for(std::chrono::milliseconds time);
  [[nodiscard]] std::chrono::milliseconds tolerance() const;
  // The time that Redis has at most, unless its clock has jumped since the last heartbeat.
  [[nodiscard]] std::chrono::milliseconds latest_redis_time();
  [[nodiscard]] StoreResult<std::int64_t> rescue_from(const std::string& process,
                                                      std::chrono::system_clock::time_point now);
  // As the gem does it: one process at a time, and not too often.
  [[nodiscard]] StoreResult<std::int64_t> rescue_from_ruby();
  [[nodiscard]] StoreResult<std::int64_t> take_orphans();

  void add_status(RedisStep& step, const ProcessHealth& health) const;

  RedisStoreContext& context_;
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();

  std::atomic<bool> keeps_claims_{false};
  base::Mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> last_beat_ GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point in_touch_since_ GUARDED_BY(mutex_);
  // The clock of Redis before the steady one here, at the last heartbeat.
  std::optional<std::chrono::milliseconds> redis_ahead_ GUARDED_BY(mutex_);
  std::optional<std::chrono::steady_clock::time_point> scores_renewed_ GUARDED_BY(mutex_);
  std::optional<std::chrono::steady_clock::time_point> ruby_checked_ GUARDED_BY(mutex_);
};

}  // namespace patient_http::jobs
