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

#include "base/json_splice.h"
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

  // Pushes jobs named `names`, whose bytes are job_bytes() of the name.
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

// A request job as others write it: numbers and blanks that no parser would give back.
inline std::string job_bytes(const std::string& name, const std::string& data = "{}") {
  return "{\"retry\":true, \"queue\":\"patient_http_requests\",\"args\":[" + data +
         ",\"Done\",null,{\"n\":30.50,\"big\":123456789012345678901,\"none\":[]},\"id of " + name +
         "\"],\"class\":\"PatientHttp::Sidekiq::RequestWorker\",\"jid\":\"" + name +
         "\",\"enqueued_at\":1.5}";
}

// The callback job with this jid. `extra` are further members, with a comma before each.
inline std::string callback_bytes(const std::string& jid, const std::string& data = "{}",
                                  const std::string& extra = "") {
  return "{\"retry\":true,\"queue\":\"patient_http_callbacks\",\"args\":[" + data +
         ",\"response\",\"Done\"],\"class\":\"PatientHttp::Sidekiq::CallbackWorker\",\"jid\":\"" +
         jid + "\"" + extra + ",\"enqueued_at\":1.5}";
}

// The data of a job that is kept in a payload store.
inline std::string reference_to(const std::string& key) {
  return "{\"$ref\":{\"store\":\"files\",\"key\":\"" + key + "\"}}";
}

// A store may stamp a job anew that it puts into a queue: that is the only change.
inline std::string unstamped(std::string bytes) {
  base::set_json_member(bytes, "enqueued_at", "1.5");
  return bytes;
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
  const std::string jid = claim.jid + "-callback";
  return {claim.id, jid, callback_bytes(jid), statistics};
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
