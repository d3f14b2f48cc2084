#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/job_store.h"
#include "jobs/redis_store_context.h"

namespace patient_http::jobs {

// The JobStore in Redis (6.2 or newer) or Valkey, shared with Sidekiq and with the gem
// patient_http-sidekiq: its keys and JSON are theirs (docs/protocol.md).
//
// What differs from other stores:
// * Jobs come from Sidekiq, too, which pushes them without asking whether their jid is known. Only
//   push() looks, at what was pushed by it within a day, or not yet due.
// * Jobs that are not ours (other classes, batches, encrypted by Sidekiq) are left in their place.
// * A callback with a sidekiq_queue is Ruby's: nothing is known of it any more.
// * Processes live by leases: somebody must call heartbeat() every quarter of the lease. rescue()
// gives
//   0 until this process has been in touch with the store for a whole lease.
// * What Redis refuses is kUnavailable, whatever the reason: it can be mended from outside.
//
// Thread safety: as JobStore. The destructor says that this process is gone; what it still holds
// is rescued by the next rescue() of any other.
class RedisJobStore final : public JobStore {
 public:
  // Fails when the server cannot be reached, is too old, or refuses the user.
  [[nodiscard]] static StoreResult<std::unique_ptr<RedisJobStore>> open(
      const RedisJobStoreOptions& options);
  ~RedisJobStore() override;

  [[nodiscard]] const std::string& process_id() const override;
  [[nodiscard]] StoreResult<void> push(std::span<const NewJob> jobs,
                                       std::span<const Note> notes) override;
  [[nodiscard]] StoreResult<std::vector<Claim>> claim(std::size_t most) override;
  [[nodiscard]] StoreResult<std::vector<ClaimReference>> claims() override;
  [[nodiscard]] StoreResult<std::vector<Settled>> complete(
      std::span<const Completion> completions) override;
  void keep_claims() override;
  [[nodiscard]] StoreResult<std::vector<Settled>> complete_as(
      const std::string& process_id, std::span<const Completion> completions) override;
  [[nodiscard]] StoreResult<std::vector<Settled>> fail(
      std::span<const FailedClaim> failed, std::chrono::system_clock::time_point now) override;
  [[nodiscard]] StoreResult<Settled> start_suspect(const std::string& claim_id) override;
  [[nodiscard]] StoreResult<std::vector<Settled>> release(
      std::span<const std::string> claim_ids) override;
  [[nodiscard]] StoreResult<std::int64_t> rescue_except(
      std::span<const std::string> spared, std::chrono::system_clock::time_point now) override;
  [[nodiscard]] StoreResult<void> heartbeat(const ProcessHealth& health) override;
  [[nodiscard]] StoreResult<std::int64_t> promote_due(
      std::chrono::system_clock::time_point now) override;
  [[nodiscard]] StoreResult<std::vector<CallbackClaim>> claim_callbacks(std::size_t most) override;
  [[nodiscard]] StoreResult<std::vector<Settled>> finish_callbacks(
      std::span<const std::string> ids, std::span<const Note> notes) override;
  [[nodiscard]] StoreResult<std::vector<Settled>> fail_callbacks(
      std::span<const FailedClaim> failed, std::chrono::system_clock::time_point now) override;
  [[nodiscard]] StoreResult<std::vector<Settled>> release_callbacks(
      std::span<const std::string> ids) override;
  [[nodiscard]] StoreResult<std::vector<DeadJob>> dead_jobs(std::size_t most,
                                                            std::string_view after) override;
  [[nodiscard]] StoreResult<std::int64_t> retry_dead(std::span<const std::string> ids) override;
  [[nodiscard]] StoreResult<std::int64_t> delete_dead(std::span<const std::string> ids) override;
  [[nodiscard]] StoreResult<std::int64_t> trim_dead(
      std::chrono::system_clock::time_point before) override;
  [[nodiscard]] StoreResult<void> announce_payloads(std::span<const std::string> payloads) override;
  [[nodiscard]] StoreResult<std::vector<std::string>> unneeded_payloads(
      std::size_t most, std::string_view after) override;
  [[nodiscard]] StoreResult<void> forget_payloads(std::span<const std::string> payloads) override;
  [[nodiscard]] StoreResult<std::vector<std::string>> removed_payloads(
      std::chrono::system_clock::time_point until) override;
  [[nodiscard]] StoreResult<std::optional<std::string>> note(std::string_view key) override;
  [[nodiscard]] StoreResult<Statistics> statistics() override;
  [[nodiscard]] StoreResult<void> clear_statistics() override;
  // Of scheduled and dead jobs the first 10,000 of all classes are looked at.
  [[nodiscard]] StoreResult<JobCounts> counts() override;
  [[nodiscard]] Wait wait_for_jobs(std::chrono::steady_clock::time_point deadline) override;
  [[nodiscard]] Wait wait_for_callbacks(std::chrono::steady_clock::time_point deadline) override;
  void wake() override;

 private:
  struct Impl;

  explicit RedisJobStore(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace patient_http::jobs
