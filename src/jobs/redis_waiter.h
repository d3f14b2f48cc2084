#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "drivers/redis/redis_client.h"
#include "jobs/job_store.h"

namespace patient_http::jobs {

// Lets a thread wait for work in queues of Redis. On each queue it waits in BLMOVE with the same
// key and the same end, which moves nothing, on a connection of its own; queues in which that would
// end at once, though there is nothing to claim, are to be polled instead.
//
// Thread safety: all methods may be called from any thread. One thread waits in Redis; a second one
// at the same time polls.
class RedisWaiter {
 public:
  // `client` must outlive this object. Throws std::system_error when the process has no
  // descriptors left.
  RedisWaiter(redis::RedisClient& client, const std::vector<std::string>& keys);
  ~RedisWaiter();
  RedisWaiter(const RedisWaiter&) = delete;
  RedisWaiter& operator=(const RedisWaiter&) = delete;

  // Waits on those keys for which `is_polled` is false. With polled ones the wait ends with kWork
  // after a while that grows with every call up to a second, until found_work().
  [[nodiscard]] Wait wait(const std::vector<bool>& is_polled,
                          std::chrono::steady_clock::time_point deadline);
  // Something was claimed: polling begins with short waits again.
  void found_work();
  void wake();

 private:
  class Queue;

  // Waits for the wake-up call only. True when it came.
  bool sleep_until(std::chrono::steady_clock::time_point time);
  bool take_wake();
  [[nodiscard]] std::chrono::milliseconds next_poll();
  Wait wait_in_redis(const std::vector<bool>& is_polled,
                     std::chrono::steady_clock::time_point until, Wait at_end);
  Wait wait_after_failure(std::chrono::steady_clock::time_point until);

  std::vector<std::unique_ptr<Queue>> queues_;  // of whoever has set is_waiting_
  int wake_fd_ = -1;
  base::Mutex mutex_;
  bool is_waiting_ GUARDED_BY(mutex_) = false;
  std::chrono::milliseconds poll_ GUARDED_BY(mutex_){0};
};

}  // namespace patient_http::jobs
