#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "base/mutex.h"
#include "jobs/callback_runner.h"
#include "jobs/callback_worker.h"
#include "jobs/in_flight_jobs.h"
#include "jobs/job_opener.h"
#include "jobs/job_sealer.h"
#include "jobs/job_store.h"
#include "jobs/job_task_handler.h"
#include "jobs/payload_sweeper.h"
#include "jobs/request_worker.h"
#include "jobs/result_spool.h"
#include "jobs/sidekiq_process.h"
#include "jobs/store_patience.h"
#include "jobs/task_monitor.h"
#include "patient_http/configuration.h"
#include "patient_http/processor.h"
#include "payload/encryptor.h"
#include "payload/external_storage.h"
#include "service/job_submitter.h"

namespace patient_http {

// Builds and owns every part that carries out the jobs of a store, and starts and stops them in
// the order of the flow. Service is it with a public face; `patient-http run` uses it without
// callbacks.
//
// Thread safety: all methods may be called from any thread, but not from user code that a part
// calls.
class ServiceParts {
 public:
  // Opens the store; nothing runs yet. Throws std::invalid_argument or std::runtime_error as
  // Processor does.
  [[nodiscard]] static jobs::StoreResult<std::unique_ptr<ServiceParts>> open(
      Configuration configuration);
  // As open(), on a store that is open.
  [[nodiscard]] static std::unique_ptr<ServiceParts> with_store(
      Configuration configuration, std::unique_ptr<jobs::JobStore> store);
  // Stops at once.
  ~ServiceParts();

  ServiceParts(const ServiceParts&) = delete;
  ServiceParts& operator=(const ServiceParts&) = delete;

  // Rescues what dead processes left, then takes jobs and callbacks. Does nothing when started.
  void start();
  // Takes no further jobs; those in flight, and callbacks, go on.
  void quiet();
  // Takes no further jobs, waits up to `timeout` for those in flight, puts the rest back to the
  // front of the queue in their order, waits for callbacks that run, and ends every thread. Does
  // nothing when stopped.
  void stop(std::chrono::milliseconds timeout);
  // Lets a stop() that runs on another thread, or is about to, wait no longer: what is in flight is
  // put back at once. Returns at once.
  void hurry();

  [[nodiscard]] jobs::StoreResult<ServiceStatus> status();
  // Whether a step of the store has failed and will be tried again.
  [[nodiscard]] bool is_store_down() const { return patience_.reporter().is_down(); }
  // Results that stop() could neither hand over, the store being down, nor spool.
  [[nodiscard]] std::size_t undelivered() const { return handler_.undelivered(); }
  // Requests that were interrupted, and put back to the front of their queue.
  [[nodiscard]] std::size_t put_back() const { return handler_.put_back(); }
  // Requests whose claims stop() left in the store, undelivered ones among them: the next start, or
  // another process, takes them up.
  [[nodiscard]] std::size_t left_behind() const { return handler_.left_behind(); }

  [[nodiscard]] jobs::JobStore& store() { return *store_; }
  [[nodiscard]] const jobs::JobOpener& opener() const { return opener_; }
  [[nodiscard]] Processor& processor() { return processor_; }
  [[nodiscard]] const service::JobSubmitter& submitter() const { return submitter_; }
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }

 private:
  ServiceParts(Configuration configuration, std::unique_ptr<jobs::JobStore> store);

  // Any thread; waits for nothing.
  [[nodiscard]] jobs::ProcessHealth health() const;

  const Configuration configuration_;
  const std::unique_ptr<jobs::JobStore> store_;
  const payload::ExternalStorage storage_;
  const payload::Encryptor encryptor_;
  const jobs::JobOpener opener_;
  const jobs::JobSealer sealer_;
  const service::JobSubmitter submitter_;
  jobs::InFlightJobs in_flight_;
  jobs::StorePatience patience_;
  const jobs::ResultSpool spool_;
  jobs::JobTaskHandler handler_;
  Processor processor_;
  jobs::RequestWorker worker_;
  const jobs::CallbackRunner runner_;
  jobs::CallbackWorker callbacks_;
  jobs::PayloadSweeper sweeper_;
  jobs::TaskMonitor monitor_;
  const std::unique_ptr<jobs::SidekiqProcess>
      sidekiq_;  // null: this process is not to be seen there

  std::atomic<bool> is_hurried_{false};
  std::atomic<jobs::ProcessHealth::State> state_{jobs::ProcessHealth::State::kRunning};

  // Held through a start or a stop.
  base::Mutex lifecycle_;
  // Held while the worker starts or stops, within lifecycle_ or without: a callback that a stop
  // waits for may call quiet().
  base::Mutex intake_;
  bool is_started_ GUARDED_BY(lifecycle_) = false;
};

}  // namespace patient_http
