#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "jobs/job_store.h"

namespace patient_http::jobs {

// Several JobStores, each a process of its own, on one fresh backing store.
class StoreFleet {
 public:
  virtual ~StoreFleet() = default;
  // Another process joins. The fleet owns it.
  virtual JobStore& join() = 0;
  // The process dies: what it has claimed stays registered under its name.
  virtual void kill(JobStore& store) = 0;
};

using MakeFleet = std::function<std::unique_ptr<StoreFleet>()>;

// The rules that every JobStore obeys. A store's own test instantiates it with its fleet:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreConformance, testing::Values(make_sqlite_fleet));
//
// A reply that got lost is played by calling the step once more with the same arguments.
class JobStoreConformance : public testing::TestWithParam<MakeFleet> {
 protected:
  JobStoreConformance();

  // Pushes jobs named `names`, whose bytes are "bytes of <name>".
  void push(const std::vector<std::string>& names);
  // The names of everything that is ready, in order; it is claimed by a reader that then dies, so
  // this ends a test.
  std::vector<std::string> ready();

  std::unique_ptr<StoreFleet> fleet_;
  JobStore& store_;
};

// What the suite's two files share.
namespace conformance {

inline constexpr auto kDone = Settled::kDone;
inline constexpr auto kGone = Settled::kClaimGone;
inline const std::chrono::system_clock::time_point kNow{std::chrono::seconds(1'800'000'000)};

template <class T>
T must(StoreResult<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline std::vector<std::string> ids(const std::vector<Claim>& claims) {
  std::vector<std::string> found;
  for (const Claim& claim : claims) found.push_back(claim.id);
  return found;
}

inline std::vector<std::string> jids(const std::vector<Claim>& claims) {
  std::vector<std::string> found;
  for (const Claim& claim : claims) found.push_back(claim.jid);
  return found;
}

inline Completion completion_of(const Claim& claim) {
  RequestStatistics statistics;
  statistics.duration = std::chrono::milliseconds(1500);
  statistics.http_status = 200;
  return {claim.id, claim.jid + "-callback", "callback of " + claim.jid, statistics};
}

inline FailedClaim dead(const Claim& claim) {
  return {claim.id, std::nullopt, std::nullopt, "broken"};
}

inline FailedClaim retry(const Claim& claim, std::chrono::system_clock::time_point at) {
  return {claim.id, std::nullopt, at, "try again"};
}

inline std::chrono::steady_clock::time_point soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

inline std::vector<std::string> callback_jids(JobStore& store) {
  std::vector<std::string> found;
  for (const CallbackClaim& claim : must(store.claim_callbacks(100))) found.push_back(claim.jid);
  return found;
}

}  // namespace conformance

}  // namespace patient_http::jobs
