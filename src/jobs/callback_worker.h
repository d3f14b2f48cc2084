#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "jobs/callback_job.h"
#include "jobs/callback_runner.h"
#include "jobs/job_opener.h"
#include "jobs/job_store.h"
#include "jobs/retry_schedule.h"
#include "jobs/store_patience.h"
#include "patient_http/log.h"

namespace patient_http::jobs {

// The callback threads: each claims callbacks from the store, runs them, and says how they ended.
// One that throws is tried again later, and at last goes to the dead set. While the store is down
// a thread waits with the end of its callback; if the process dies meanwhile, the callback runs
// again.
//
// Thread safety: start() and stop() from one thread, not from a callback. Both may be repeated.
class CallbackWorker {
 public:
  // The first four must outlive this object. A callback that was rescued three times more than
  // `poison_rescues` within an hour goes to the dead set instead of running; 0: none does.
  CallbackWorker(JobStore& store, const JobOpener& opener, const CallbackRunner& runner,
                 StorePatience& patience, std::size_t threads, int poison_rescues, Log log);
  ~CallbackWorker() { stop(); }
  CallbackWorker(const CallbackWorker&) = delete;
  CallbackWorker& operator=(const CallbackWorker&) = delete;

  void start();
  // Starts no further callbacks, and waits for those that run, however long: a thread cannot be
  // ended from outside. The log says which.
  void stop();

  // Whether the calling thread is one of these, of any CallbackWorker.
  [[nodiscard]] static bool is_callback_thread();

 private:
  using Released = StoreResult<std::vector<Settled>>;

  void run();
  // The next callback to run; none when it is time to stop. One thread at a time asks the store.
  [[nodiscard]] std::optional<CallbackClaim> next();
  [[nodiscard]] std::vector<CallbackClaim> fetch();
  // Whether it was rescued so often that it runs no more; it is then with the dead.
  bool bury_poison(const CallbackClaim& claim);
  void carry_out(const CallbackClaim& claim);
  void finish(const CallbackClaim& claim);
  void failed(const CallbackClaim& claim, const CallbackJob* job, const JobFailure& failure);
  void fail(const CallbackClaim& claim, std::optional<std::string> bytes,
            std::optional<std::chrono::system_clock::time_point> retry_at, std::string reason);
  void wait_for_running();
  void release_fetched();
  // Keeps a claim that could not be settled for the next start: nobody rescues it while this
  // process lives.
  void remember(const std::string& id);
  void keep_unless(const Released& released, const std::vector<std::string>& ids);

  JobStore& store_;
  const JobOpener& opener_;
  const CallbackRunner& runner_;
  StorePatience& patience_;
  const std::size_t thread_count_;
  const int poison_rescues_;
  const Log log_;
  std::vector<std::thread> threads_;

  base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool is_fetching_ GUARDED_BY(mutex_) = false;
  std::deque<CallbackClaim> fetched_ GUARDED_BY(mutex_);
  std::vector<std::string> unread_ GUARDED_BY(mutex_);  // to be put back at the stop
  std::size_t running_ GUARDED_BY(mutex_) = 0;
  std::vector<std::string> unsettled_ GUARDED_BY(mutex_);
};

}  // namespace patient_http::jobs
