#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "jobs/job_store.h"
#include "jobs/redis_store_context.h"

namespace patient_http::jobs {

// The claims of one process on request jobs in Redis: part of RedisJobStore, whose methods these
// are.
//
// A claim's id is "<number>:<member>": the number is this process's and used once, the member is
// the request's in the registry of the gem.
//
// Thread safety: all methods may be called from any thread.
class RedisClaims {
 public:
  // `context` must outlive this object.
  explicit RedisClaims(RedisStoreContext& context) : context_(context) {}

  [[nodiscard]] StoreResult<std::vector<Claim>> claim(std::size_t most);
  [[nodiscard]] StoreResult<std::vector<ClaimReference>> claims();
  [[nodiscard]] StoreResult<std::vector<Settled>> complete(std::span<const Completion> completions);
  [[nodiscard]] StoreResult<std::vector<Settled>> complete_as(
      const std::string& process, std::span<const Completion> completions);
  [[nodiscard]] StoreResult<std::vector<Settled>> fail(std::span<const FailedClaim> failed,
                                                       std::chrono::system_clock::time_point now);
  [[nodiscard]] StoreResult<std::vector<Settled>> release(std::span<const std::string> claim_ids);
  [[nodiscard]] StoreResult<Settled> start_suspect(const std::string& claim_id);

  // What the last claim met in each queue, in the order of the options.
  enum class QueueState {
    kOpen,
    kObstructed,  // jobs that are not for us lie in it
    kPaused,
  };
  [[nodiscard]] std::vector<QueueState> queue_states() const;

 private:
  struct Reply;

  [[nodiscard]] StoreResult<std::vector<Claim>> read_claims(const redis::RedisReply& reply,
                                                            const std::vector<std::size_t>& order,
                                                            std::int64_t first_number);
  void note_left_alone(std::size_t queue, std::int64_t count);
  [[nodiscard]] StoreResult<std::vector<Settled>> complete_of(
      const std::string& process, const redis_keys::OfProcess& keys,
      std::span<const Completion> completions);
  [[nodiscard]] StoreResult<std::size_t> complete_some(const std::string& process,
                                                       const redis_keys::OfProcess& keys,
                                                       std::span<const Completion> completions,
                                                       std::vector<Settled>& settled);
  // Where the job of a claim was in its queue, compared with others.
  [[nodiscard]] std::int64_t place_of(std::int64_t number);

  RedisStoreContext& context_;

  mutable base::Mutex mutex_;
  std::int64_t next_number_ GUARDED_BY(mutex_) = 1;
  // A job that was put back and is claimed anew keeps its place: of such claims, by number, and of
  // jobs that were put back, by jid.
  std::unordered_map<std::int64_t, std::int64_t> places_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::int64_t> released_places_ GUARDED_BY(mutex_);
  std::vector<QueueState> states_ GUARDED_BY(mutex_);
  std::map<std::size_t, std::chrono::steady_clock::time_point> reported_ GUARDED_BY(mutex_);
};

}  // namespace patient_http::jobs
