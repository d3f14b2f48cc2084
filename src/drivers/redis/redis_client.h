#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "drivers/redis/redis_connection.h"
#include "drivers/redis/redis_failure.h"
#include "drivers/redis/redis_reply.h"
#include "drivers/redis/redis_script.h"

namespace patient_http::redis {

// Connections to one server, opened as they are needed and used again.
//
// A connection that was closed while it was idle is noticed before anything is sent. What was sent
// and got no reply is never sent again: it may have run. The one exception are servers that say
// that they did not run it because they are not, or are no longer, the primary (READONLY,
// NOREPLICAS, UNBLOCKED): those are connected to anew, once, since the name may mean another by
// now. After a failed connect, further ones fail at once until a delay has passed: 50 ms, doubled
// up to 3 s with each failure, at random a little shorter.
//
// Thread safety: any thread. Calls block up to the time limit for a connect and again for the
// command; no thread is started.
class RedisClient {
 public:
  explicit RedisClient(RedisConnectionOptions options);
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  // An error reply is a failure.
  [[nodiscard]] RedisResult<RedisReply> call(Words words);
  // Runs a script that the server may or may not know.
  [[nodiscard]] RedisResult<RedisReply> run(const RedisScript& script,
                                            std::span<const std::string_view> keys,
                                            std::span<const std::string_view> arguments);

  // A connection of the caller's own, for commands that block. No pooled one.
  [[nodiscard]] RedisResult<std::unique_ptr<RedisConnection>> connect();

  // Since the beginning, those of connect() too.
  [[nodiscard]] std::uint64_t connections_opened() const { return opened_.load(); }
  // See describe().
  [[nodiscard]] const std::string& server() const { return server_; }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Exchange = std::function<RedisResult<RedisReply>(RedisConnection&)>;

  [[nodiscard]] RedisResult<RedisReply> with_connection(std::string_view name,
                                                        const Exchange& exchange);
  [[nodiscard]] RedisResult<std::unique_ptr<RedisConnection>> take();
  void put_back(std::unique_ptr<RedisConnection> connection);
  void drop_idle();
  void note_failure(std::uint64_t failures_before, const RedisFailure& failure);

  const RedisConnectionOptions options_;
  const std::string server_;
  std::atomic<std::uint64_t> opened_{0};

  base::Mutex mutex_;
  std::vector<std::unique_ptr<RedisConnection>> idle_ GUARDED_BY(mutex_);  // last used last
  std::uint64_t failures_ GUARDED_BY(mutex_) = 0;  // connects that failed since one succeeded
  std::optional<RedisFailure> last_failure_ GUARDED_BY(mutex_);
  TimePoint next_connect_ GUARDED_BY(mutex_);
};

}  // namespace patient_http::redis
