#pragma once

#include <chrono>
#include <set>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "jobs/job_store.h"
#include "jobs/payload_keeper.h"
#include "patient_http/log.h"
#include "payload/external_storage.h"

namespace patient_http::jobs {

// The sweeper thread: removes payloads that no job needs any more. It alone removes payloads, so
// that neither results nor callbacks wait for a payload store that is slow. For the same reason it
// puts back what Ruby needs again (PayloadKeeper).
//
// Thread safety: start() and stop() from one thread. Both may be repeated.
class PayloadSweeper {
 public:
  // All but `log` must outlive this object.
  PayloadSweeper(JobStore& store, const payload::ExternalStorage& storage, Log log)
      : store_(store), storage_(storage), log_(log), keeper_(store, storage, std::move(log)) {}
  ~PayloadSweeper() { stop(); }
  PayloadSweeper(const PayloadSweeper&) = delete;
  PayloadSweeper& operator=(const PayloadSweeper&) = delete;

  void start();
  // Sweeps once more, so that what was finished before leaves nothing behind.
  void stop();

 private:
  void run();
  // Removes all that is unneeded now.
  void sweep();
  // The last reference of the page; empty when it was the last page.
  [[nodiscard]] std::string sweep_page(const std::string& after);
  void report(const std::string& place, const std::string& message);

  JobStore& store_;
  const payload::ExternalStorage& storage_;
  const Log log_;
  PayloadKeeper keeper_;
  std::set<std::string> reported_;  // payload stores that fail: one line each is enough
  std::thread thread_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace patient_http::jobs
