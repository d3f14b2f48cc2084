#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "jobs/in_flight_jobs.h"
#include "jobs/job_store.h"
#include "patient_http/log.h"
#include "patient_http/processor.h"

namespace patient_http::jobs {

// Compares this process's claims in the store with its memory. A claim that only the store knows
// came in a reply that got lost: its job goes back to the front of the queue. A job that only
// memory knows was rescued by another process, which sends it: its transfer is cancelled.
//
// Thread safety: the intake thread's, which alone claims.
class ClaimComparison {
 public:
  // The first three must outlive this object.
  ClaimComparison(JobStore& store, InFlightJobs& in_flight, Processor& processor,
                  std::chrono::steady_clock::duration every, Log log)
      : store_(store),
        in_flight_(in_flight),
        processor_(processor),
        every_(every),
        log_(std::move(log)) {}

  // The next call of when_due() compares.
  void request() { is_requested_ = true; }
  // Called between two claims, with the claims that wait in memory for their turn. Compares when
  // that was requested, from time to time, and after the process was stopped for a while. Removes
  // from `untaken` what was rescued; a suspect is looked at when its turn comes.
  void when_due(std::chrono::steady_clock::time_point now, const std::deque<Claim>& suspects,
                std::deque<Claim>& untaken);

 private:
  [[nodiscard]] bool is_due(std::chrono::steady_clock::time_point now);
  // False when the store could not say.
  bool compare(const std::deque<Claim>& suspects, std::deque<Claim>& untaken);
  bool put_back(const std::vector<std::string>& claim_ids);

  JobStore& store_;
  InFlightJobs& in_flight_;
  Processor& processor_;
  const std::chrono::steady_clock::duration every_;
  const Log log_;
  bool is_requested_ = false;
  std::chrono::steady_clock::time_point last_call_{};
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace patient_http::jobs
