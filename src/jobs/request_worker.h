#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "jobs/claim_comparison.h"
#include "jobs/in_flight_jobs.h"
#include "jobs/job_store.h"
#include "jobs/job_task_handler.h"
#include "jobs/store_patience.h"
#include "patient_http/log.h"
#include "patient_http/processor.h"

namespace patient_http::jobs {

struct RequestWorkerOptions {
  // A job that was rescued so often within an hour is a suspect; 0: none is.
  int poison_rescues = 0;
  // Nothing is taken while requests of so many bytes are in memory.
  std::size_t request_memory = std::numeric_limits<std::size_t>::max();
  // How often the claims are compared with memory when nothing calls for it.
  std::chrono::milliseconds compare_every = std::chrono::seconds(15);
};

// The intake thread: claims as many jobs as the processor has room for, and hands them over. It
// alone claims. A job that nobody can run goes to the dead set, one whose data cannot be read is
// tried again later, an invalid request becomes an error callback.
//
// While the memory for requests or for response bodies is spent, nothing is claimed, and what was
// claimed already waits here.
//
// One suspect at a time is with the processor, noted in the store before; the others wait here. One
// with which processes died twice is condemned: it becomes an error callback and is not sent.
//
// Thread safety: start() and stop() from one thread. Both may be repeated.
class RequestWorker {
 public:
  // All must outlive this object.
  RequestWorker(JobStore& store, const JobOpener& opener, Processor& processor,
                InFlightJobs& in_flight, JobTaskHandler& handler, StorePatience& patience,
                RequestWorkerOptions options, Log log);
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
  // How many jobs may be claimed.
  [[nodiscard]] std::size_t room() const;
  // Whether there is memory for another request.
  [[nodiscard]] bool has_memory() const;
  void take_untaken();
  void wait_for_memory();
  void wait_for_room();
  void wait_for_next_claim(std::chrono::steady_clock::time_point time);
  void wait_for_stop(std::chrono::steady_clock::duration time);
  void take(const Claim& claim);
  void hand_over(const Claim& claim, bool is_suspect);
  // Reads the job; settles one that cannot be run.
  [[nodiscard]] std::optional<RequestJob> read(const Claim& claim);
  void start_suspects();
  void start_suspect(const Claim& claim);
  void condemn(const Claim& claim);
  void put_back_waiting();
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
  const RequestWorkerOptions options_;
  const Log log_;
  // The intake thread's.
  ClaimComparison comparison_;
  std::deque<Claim> suspects_;  // that wait for their turn
  std::deque<Claim> untaken_;   // that wait for memory
  bool has_more_ = false;       // the last claim found as many jobs as it asked for
  std::chrono::steady_clock::time_point next_memory_warning_;
  base::Mutex stop_mutex_;  // for those who wait for stopping_
  base::CondVar stopped_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace patient_http::jobs
