#include "jobs/in_flight_jobs.h"

#include <utility>

namespace patient_http::jobs {

InFlightJobs::Added InFlightJobs::add(const std::string& request_id, const std::string& jid,
                                      const std::string& claim_id, bool is_suspect,
                                      std::size_t bytes) {
  base::MutexLock lock(mutex_);
  const auto [it, is_new] = jobs_.try_emplace(
      request_id, Job{.jid = jid, .claim_id = claim_id, .is_suspect = is_suspect, .bytes = bytes});
  Job& job = it->second;
  if (!is_new && job.jid != jid) return Added::kOther;
  if (is_new ? is_suspect : is_suspect && !job.is_suspect) ++suspects_;
  if (is_new) {
    bytes_ += bytes;
    return Added::kNew;
  }
  job.claim_id = claim_id;
  job.is_suspect = job.is_suspect || is_suspect;
  return Added::kAdopted;
}

void InFlightJobs::remove(const std::string& request_id) {
  base::MutexLock lock(mutex_);
  const auto node = jobs_.extract(request_id);
  if (node.empty()) return;
  bytes_ -= node.mapped().bytes;
  if (node.mapped().is_suspect) --suspects_;
}

std::optional<InFlightJobs::Ended> InFlightJobs::end(const std::string& request_id) {
  base::MutexLock lock(mutex_);
  auto node = jobs_.extract(request_id);
  if (node.empty()) return std::nullopt;
  Job& job = node.mapped();
  ending_[job.claim_id] = {job.is_suspect, job.bytes};
  return Ended{std::move(job.claim_id), job.is_lost};
}

void InFlightJobs::begin_settling(const std::string& claim_id) {
  base::MutexLock lock(mutex_);
  ending_.try_emplace(claim_id);
}

bool InFlightJobs::settled(const std::string& claim_id) {
  base::MutexLock lock(mutex_);
  const auto node = ending_.extract(claim_id);
  if (node.empty()) return false;
  bytes_ -= node.mapped().bytes;
  if (!node.mapped().is_suspect) return false;
  --suspects_;
  return true;
}

void InFlightJobs::abandon(const std::string& claim_id) {
  base::MutexLock lock(mutex_);
  const auto it = ending_.find(claim_id);
  if (it == ending_.end()) return;
  bytes_ -= std::exchange(it->second.bytes, 0);
  if (std::exchange(it->second.is_suspect, false)) --suspects_;
}

bool InFlightJobs::mark_lost(const std::string& request_id, const std::string& claim_id) {
  base::MutexLock lock(mutex_);
  const auto it = jobs_.find(request_id);
  if (it == jobs_.end() || it->second.claim_id != claim_id) return false;
  it->second.is_lost = true;
  return true;
}

bool InFlightJobs::has_suspect() const {
  base::MutexLock lock(mutex_);
  return suspects_ > 0;
}

InFlightJobs::Known InFlightJobs::known() const {
  base::MutexLock lock(mutex_);
  Known known;
  known.running.reserve(jobs_.size());
  known.claim_ids.reserve(jobs_.size() + ending_.size());
  for (const auto& [request_id, job] : jobs_) {
    known.running.push_back({request_id, job.claim_id});
    known.claim_ids.insert(job.claim_id);
  }
  for (const auto& [claim_id, ending] : ending_) known.claim_ids.insert(claim_id);
  return known;
}

std::size_t InFlightJobs::size() const {
  base::MutexLock lock(mutex_);
  return jobs_.size();
}

std::size_t InFlightJobs::bytes() const {
  base::MutexLock lock(mutex_);
  return bytes_;
}

void InFlightJobs::clear() {
  base::MutexLock lock(mutex_);
  jobs_.clear();
  ending_.clear();
  suspects_ = bytes_ = 0;
}

}  // namespace patient_http::jobs
