#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "base/mutex.h"
#include "jobs/in_flight_jobs.h"
#include "jobs/job_store.h"
#include "jobs/job_task_handler.h"
#include "jobs/store_patience.h"
#include "patient_http/log.h"
#include "patient_http/processor.h"

namespace patient_http::jobs {

// The intake thread: claims as many jobs as the processor has room for, and hands them over. It
// alone claims. A job that nobody can run goes to the dead set, one whose data cannot be read is
// tried again later, an invalid request becomes an error callback.
//
// Thread safety: start() and stop() from one thread. Both may be repeated.
class RequestWorker {
 public:
  // All must outlive this object.
  RequestWorker(JobStore& store, const JobOpener& opener, Processor& processor,
                InFlightJobs& in_flight, JobTaskHandler& handler, StorePatience& patience, Log log);
  ~RequestWorker() { stop(); }
  RequestWorker(const RequestWorker&) = delete;
  RequestWorker& operator=(const RequestWorker&) = delete;

  void start();
  // Takes no further jobs; those taken are with the processor or back in the store when it
  // returns.
  void stop();

 private:
  void run();
  // False when there was nothing to claim.
  bool claim_some(std::size_t most);
  void wait_for_stop(std::chrono::steady_clock::duration time);
  void take(const Claim& claim);
  void put_back(const std::string& claim_id);
  void bury(const Claim& claim, const std::string& reason);
  void try_later(const Claim& claim, const std::string& reason);
  void postpone(const Claim& claim);
  void fail(const char* what, FailedClaim failed, std::chrono::system_clock::time_point now);

  JobStore& store_;
  const JobOpener& opener_;
  Processor& processor_;
  InFlightJobs& in_flight_;
  JobTaskHandler& handler_;
  StorePatience& patience_;
  const Log log_;
  base::Mutex stop_mutex_;  // for those who wait for stopping_
  base::CondVar stopped_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace patient_http::jobs
