#pragma once

#include <chrono>
#include <thread>

#include "base/mutex.h"
#include "jobs/job_store.h"
#include "jobs/process_health.h"
#include "jobs/result_spool.h"
#include "jobs/store_reporter.h"
#include "patient_http/log.h"

namespace patient_http::jobs {

// Two threads that no callback and no transfer can hold up. One tells the others that this process
// lives, and how it is. The other hands over the results that others have spooled, takes the jobs
// of dead processes back into the queue, moves scheduled jobs there when their time has come, and
// forgets the dead when they are old.
//
// Thread safety: start() and stop() from one thread. Both may be repeated.
class TaskMonitor {
 public:
  // `store`, `spool` and `reporter` must outlive this object.
  TaskMonitor(JobStore& store, const ResultSpool& spool, std::chrono::milliseconds beat_every,
              std::chrono::hours dead_lifetime, HealthFunction health, StoreReporter& reporter,
              Log log)
      : store_(store),
        spool_(spool),
        beat_every_(beat_every),
        dead_lifetime_(dead_lifetime),
        health_(std::move(health)),
        reporter_(reporter),
        log_(std::move(log)) {}
  ~TaskMonitor() { stop(); }
  TaskMonitor(const TaskMonitor&) = delete;
  TaskMonitor& operator=(const TaskMonitor&) = delete;

  // Does all of it once before it returns, so that what a dead process left is there at once.
  void start();
  void stop();

 private:
  void run();
  void run_heartbeat();
  void promote();
  void beat();
  void rescue();
  void trim();
  // False when it is time to stop.
  bool wait(std::chrono::milliseconds time);
  // Tells the reporter how a step went; whether it went well.
  template <class T>
  [[nodiscard]] bool is_done(const char* step, const StoreResult<T>& result);

  JobStore& store_;
  const ResultSpool& spool_;
  const std::chrono::milliseconds beat_every_;
  const std::chrono::hours dead_lifetime_;
  const HealthFunction health_;
  StoreReporter& reporter_;
  const Log log_;
  std::thread thread_;
  std::thread heartbeat_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace patient_http::jobs
