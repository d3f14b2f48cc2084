#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/job_store.h"

namespace patient_http::jobs {

// Hands every step on to another store: for tests that lose a reply, or let a step fail.
class ForwardingStore : public JobStore {
 public:
  explicit ForwardingStore(std::unique_ptr<JobStore> store) : store_(std::move(store)) {}

  using Time = std::chrono::system_clock::time_point;
  using Deadline = std::chrono::steady_clock::time_point;

  [[nodiscard]] const std::string& process_id() const override { return store_->process_id(); }
  [[nodiscard]] StoreResult<void> push(std::span<const NewJob> jobs,
                                       std::span<const Note> notes) override {
    return store_->push(jobs, notes);
  }
  [[nodiscard]] StoreResult<std::vector<Claim>> claim(std::size_t most) override {
    return store_->claim(most);
  }
  [[nodiscard]] StoreResult<Settled> start_suspect(const std::string& claim_id) override {
    return store_->start_suspect(claim_id);
  }
  [[nodiscard]] StoreResult<std::vector<ClaimReference>> claims() override {
    return store_->claims();
  }
  [[nodiscard]] StoreResult<std::vector<Settled>> complete(
      std::span<const Completion> completions) override {
    return store_->complete(completions);
  }
  void keep_claims() override { store_->keep_claims(); }
  [[nodiscard]] StoreResult<std::vector<Settled>> complete_as(
      const std::string& process_id, std::span<const Completion> completions) override {
    return store_->complete_as(process_id, completions);
  }
  [[nodiscard]] StoreResult<std::vector<Settled>> fail(std::span<const FailedClaim> failed,
                                                       Time now) override {
    return store_->fail(failed, now);
  }
  [[nodiscard]] StoreResult<std::vector<Settled>> release(
      std::span<const std::string> claim_ids) override {
    return store_->release(claim_ids);
  }
  [[nodiscard]] StoreResult<std::int64_t> rescue_except(std::span<const std::string> spared,
                                                        Time now) override {
    return store_->rescue_except(spared, now);
  }
  [[nodiscard]] StoreResult<void> heartbeat(const ProcessHealth& health) override {
    return store_->heartbeat(health);
  }
  [[nodiscard]] StoreResult<std::int64_t> promote_due(Time now) override {
    return store_->promote_due(now);
  }
  [[nodiscard]] StoreResult<std::vector<CallbackClaim>> claim_callbacks(std::size_t most) override {
    return store_->claim_callbacks(most);
  }
  [[nodiscard]] StoreResult<std::vector<Settled>> finish_callbacks(
      std::span<const std::string> ids, std::span<const Note> notes) override {
    return store_->finish_callbacks(ids, notes);
  }
  [[nodiscard]] StoreResult<std::vector<Settled>> fail_callbacks(
      std::span<const FailedClaim> failed, Time now) override {
    return store_->fail_callbacks(failed, now);
  }
  [[nodiscard]] StoreResult<std::vector<Settled>> release_callbacks(
      std::span<const std::string> ids) override {
    return store_->release_callbacks(ids);
  }
  [[nodiscard]] StoreResult<std::vector<DeadJob>> dead_jobs(std::size_t most,
                                                            std::string_view after) override {
    return store_->dead_jobs(most, after);
  }
  [[nodiscard]] StoreResult<std::int64_t> retry_dead(std::span<const std::string> ids) override {
    return store_->retry_dead(ids);
  }
  [[nodiscard]] StoreResult<std::int64_t> delete_dead(std::span<const std::string> ids) override {
    return store_->delete_dead(ids);
  }
  [[nodiscard]] StoreResult<std::int64_t> trim_dead(Time before) override {
    return store_->trim_dead(before);
  }
  [[nodiscard]] StoreResult<void> announce_payloads(
      std::span<const std::string> payloads) override {
    return store_->announce_payloads(payloads);
  }
  [[nodiscard]] StoreResult<std::vector<std::string>> unneeded_payloads(
      std::size_t most, std::string_view after) override {
    return store_->unneeded_payloads(most, after);
  }
  [[nodiscard]] StoreResult<void> forget_payloads(std::span<const std::string> payloads) override {
    return store_->forget_payloads(payloads);
  }
  [[nodiscard]] StoreResult<std::vector<std::string>> removed_payloads(Time until) override {
    return store_->removed_payloads(until);
  }
  [[nodiscard]] StoreResult<std::optional<std::string>> note(std::string_view key) override {
    return store_->note(key);
  }
  [[nodiscard]] StoreResult<Statistics> statistics() override { return store_->statistics(); }
  [[nodiscard]] StoreResult<void> clear_statistics() override { return store_->clear_statistics(); }
  [[nodiscard]] StoreResult<JobCounts> counts() override { return store_->counts(); }
  [[nodiscard]] Wait wait_for_jobs(Deadline deadline) override {
    return store_->wait_for_jobs(deadline);
  }
  [[nodiscard]] Wait wait_for_callbacks(Deadline deadline) override {
    return store_->wait_for_callbacks(deadline);
  }
  void wake() override { store_->wake(); }

 protected:
  [[nodiscard]] JobStore& store() { return *store_; }

 private:
  const std::unique_ptr<JobStore> store_;
};

}  // namespace patient_http::jobs
