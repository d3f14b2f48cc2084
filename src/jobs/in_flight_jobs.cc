#include "jobs/in_flight_jobs.h"

namespace patient_http::jobs {

InFlightJobs::Added InFlightJobs::add(const std::string& request_id, const std::string& jid,
                                      const std::string& claim_id) {
  base::MutexLock lock(mutex_);
  const auto [it, is_new] = jobs_.try_emplace(request_id, Job{jid, claim_id});
  if (is_new) return Added::kNew;
  if (it->second.jid != jid) return Added::kOther;
  it->second.claim_id = claim_id;
  return Added::kAdopted;
}

std::optional<std::string> InFlightJobs::remove(const std::string& request_id) {
  base::MutexLock lock(mutex_);
  auto node = jobs_.extract(request_id);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped().claim_id);
}

std::size_t InFlightJobs::size() const {
  base::MutexLock lock(mutex_);
  return jobs_.size();
}

}  // namespace patient_http::jobs
