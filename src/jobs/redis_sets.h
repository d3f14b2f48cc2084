#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "jobs/redis_store_context.h"
#include "jobs/store_failure.h"
#include "patient_http/service_status.h"

namespace patient_http::jobs {

// Sidekiq's sorted sets (schedule, retry, dead), as far as jobs of our two classes are in them:
// part of RedisJobStore, whose methods these are. Jobs of other classes are Ruby's, which has to
// run its own middleware over them.
//
// Thread safety: all methods may be called from any thread.
class RedisSets {
 public:
  // `context` must outlive this object.
  explicit RedisSets(RedisStoreContext& context) : context_(context) {}

  // Of each set, at most some thousand entries of other classes are looked at in a call; the next
  // one goes on behind them. After a look at all that are due that found none of ours, the next is
  // put off by what that look cost Redis, at most 5 s. What became due last is looked at each time.
  [[nodiscard]] StoreResult<std::int64_t> promote_due(std::chrono::system_clock::time_point now);

  // Of the first 1,000 jobs of all classes that are due by then.
  [[nodiscard]] StoreResult<std::vector<std::string>> removed_payloads(
      std::chrono::system_clock::time_point until);

  [[nodiscard]] StoreResult<std::vector<DeadJob>> dead_jobs(std::size_t most,
                                                            std::string_view after);
  [[nodiscard]] StoreResult<std::int64_t> retry_dead(std::span<const std::string> ids);
  [[nodiscard]] StoreResult<std::int64_t> delete_dead(std::span<const std::string> ids);
  [[nodiscard]] StoreResult<std::int64_t> trim_dead(std::chrono::system_clock::time_point before);

 private:
  struct Entry {
    std::string bytes;
    std::string score;
  };
  // An entry on its way from a set to a queue.
  struct Move {
    std::string from;
    std::string to;
    std::string queue;
  };

  // How far the entries of a set that are due have been looked through.
  struct Look {
    std::int64_t passed = 0;  // entries of others, from the first one on; below 0: to the last one
    std::int64_t bytes = 0;   // of these
    bool has_found = false;
    std::chrono::steady_clock::time_point next = {};
  };

  [[nodiscard]] StoreResult<std::int64_t> promote_due_of(std::string_view set, Look& look,
                                                         std::chrono::system_clock::time_point now);
  // Goes on with a look by one call of the script. False: nothing further is due.
  [[nodiscard]] StoreResult<bool> look_on(std::string_view set, Look& look,
                                          const std::string& until, std::int64_t& promoted);
  [[nodiscard]] StoreResult<std::vector<Entry>> read(const std::vector<std::string_view>& command);
  [[nodiscard]] StoreResult<std::int64_t> move(std::string_view set,
                                               const std::vector<Move>& moves);
  [[nodiscard]] StoreResult<std::optional<Entry>> find_dead(std::string_view id);
  [[nodiscard]] StoreResult<std::int64_t> remove_dead(const std::vector<Entry>& entries);

  RedisStoreContext& context_;
  base::Mutex mutex_;
  Look retry_ GUARDED_BY(mutex_);
  Look schedule_ GUARDED_BY(mutex_);
};

}  // namespace patient_http::jobs
