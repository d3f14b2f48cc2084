#pragma once

#include <chrono>
#include <thread>

#include "base/mutex.h"
#include "jobs/job_store.h"
#include "jobs/store_reporter.h"
#include "patient_http/log.h"

namespace patient_http::jobs {

// The monitor thread: tells the others that this process lives, takes the jobs of dead processes
// back into the queue, moves scheduled jobs there when their time has come, and forgets the dead
// when they are old. No callback and no transfer can hold it up.
//
// Thread safety: start() and stop() from one thread. Both may be repeated.
class TaskMonitor {
 public:
  // `store` and `reporter` must outlive this object.
  TaskMonitor(JobStore& store, std::chrono::hours dead_lifetime, StoreReporter& reporter, Log log)
      : store_(store), dead_lifetime_(dead_lifetime), reporter_(reporter), log_(std::move(log)) {}
  ~TaskMonitor() { stop(); }
  TaskMonitor(const TaskMonitor&) = delete;
  TaskMonitor& operator=(const TaskMonitor&) = delete;

  // Does all of it once before it returns, so that what a dead process left is there at once.
  void start();
  void stop();

 private:
  void run();
  void promote();
  void beat_and_rescue();
  void trim();
  // False when it is time to stop.
  bool wait(std::chrono::milliseconds time);
  // Tells the reporter how a step went; whether it went well.
  template <class T>
  [[nodiscard]] bool is_done(const char* step, const StoreResult<T>& result);

  JobStore& store_;
  const std::chrono::hours dead_lifetime_;
  StoreReporter& reporter_;
  const Log log_;
  std::thread thread_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace patient_http::jobs
