#pragma once

#include <chrono>
#include <memory>

#include "base/mutex.h"
#include "jobs/in_flight_jobs.h"
#include "jobs/job_store.h"
#include "jobs/job_task_handler.h"
#include "jobs/request_worker.h"
#include "jobs/store_patience.h"
#include "jobs/task_monitor.h"
#include "patient_http/processor.h"
#include "service/configuration.h"

namespace patient_http {

struct ServiceStatus {
  ProcessorStatus processor;
  jobs::Counts jobs;
};

// Builds and owns every part that carries out the jobs of a store: the store, the processor, the
// intake, the handler that settles, the monitor. Callbacks and clients will be parts too.
//
// Thread safety: all methods may be called from any thread, but not from a callback.
class Service {
 public:
  // Opens the store; nothing runs yet. Throws std::invalid_argument or std::runtime_error as
  // Processor does.
  [[nodiscard]] static jobs::StoreResult<std::unique_ptr<Service>> open(
      Configuration configuration);
  // Stops at once.
  ~Service();

  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Rescues what dead processes left, then takes jobs. Does nothing when started.
  void start();
  // Takes no further jobs; those in flight go on.
  void quiet();
  // Takes no further jobs, waits up to `timeout` for those in flight, puts the rest back to the
  // front of the queue in their order, and ends every thread. Does nothing when stopped.
  void stop(std::chrono::milliseconds timeout);

  [[nodiscard]] jobs::StoreResult<ServiceStatus> status();
  // Results that stop() could not hand over, the store being down.
  [[nodiscard]] std::size_t undelivered() const { return handler_.undelivered(); }

  [[nodiscard]] jobs::JobStore& store() { return *store_; }
  [[nodiscard]] Processor& processor() { return processor_; }

 private:
  Service(Configuration configuration, std::unique_ptr<jobs::JobStore> store);

  const Configuration configuration_;
  const std::unique_ptr<jobs::JobStore> store_;
  jobs::InFlightJobs in_flight_;
  jobs::StorePatience patience_;
  jobs::JobTaskHandler handler_;
  Processor processor_;
  jobs::RequestWorker worker_;
  jobs::TaskMonitor monitor_;

  // Held through a start or a stop.
  base::Mutex lifecycle_;
  bool is_started_ GUARDED_BY(lifecycle_) = false;
};

}  // namespace patient_http
