#pragma once

#include <atomic>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "jobs/forwarding_store.h"

namespace patient_http::test {

// A store that is told what goes wrong.
class FaultyStore final : public jobs::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  jobs::StoreResult<std::vector<jobs::Claim>> claim(std::size_t most) override {
    if (refuses_claims) return down();
    auto claims = store().claim(most);
    if (claims && !claims->empty() && loses_claims.exchange(false)) return down();
    return claims;
  }
  jobs::StoreResult<std::vector<jobs::ClaimReference>> claims() override {
    ++comparisons;
    if (hides_claims.exchange(false)) return std::vector<jobs::ClaimReference>();
    return store().claims();
  }
  jobs::StoreResult<std::vector<jobs::Settled>> complete(
      std::span<const jobs::Completion> completions) override {
    if (throws_at_results.exchange(false)) throw std::bad_alloc();
    if (!refuses_results) return store().complete(completions);
    ++refused_results;
    return down();
  }
  jobs::StoreResult<void> announce_payloads(std::span<const std::string> payloads) override {
    if (!refuses_payloads) return store().announce_payloads(payloads);
    ++refused_results;
    return down();
  }
  jobs::StoreResult<std::vector<jobs::Settled>> release(
      std::span<const std::string> claim_ids) override {
    {
      const std::lock_guard lock(mutex_);
      releases_.push_back(claim_ids.size());
    }
    return store().release(claim_ids);
  }
  void keep_claims() override {
    ++kept_claims;
    store().keep_claims();
  }
  [[nodiscard]] std::vector<std::size_t> releases() const {
    const std::lock_guard lock(mutex_);
    return releases_;
  }

  std::atomic<bool> refuses_claims{false};
  std::atomic<bool> loses_claims{false};  // the next one that finds something
  std::atomic<bool> hides_claims{false};  // from the next comparison
  std::atomic<bool> refuses_results{false};
  std::atomic<bool> throws_at_results{false};  // the next ones
  std::atomic<bool> refuses_payloads{false};
  std::atomic<int> comparisons{0};
  std::atomic<int> kept_claims{0};
  std::atomic<int> refused_results{0};

 private:
  static tl::unexpected<jobs::StoreFailure> down() {
    return tl::unexpected(
        jobs::StoreFailure{jobs::StoreFailure::Kind::kUnavailable, "the reply got lost"});
  }

  mutable std::mutex mutex_;
  std::vector<std::size_t> releases_;
};

}  // namespace patient_http::test
