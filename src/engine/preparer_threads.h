#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "engine/request_preparer.h"
#include "patient_http/log.h"

namespace patient_http::engine {

struct PreparerThreadsOptions {
  std::size_t threads = 2;
  // A user's function that takes longer is noted in the log.
  std::chrono::steady_clock::duration slow_call = std::chrono::seconds(1);
};

// Threads that prepare the requests which need functions of the user: preprocessors, and secrets
// that are functions. Those may block; the reactor may not. The threads are started when there is
// something to do.
//
// Thread safety: add() and drop() belong to one thread, the reactor's; start and stop happen while
// it does not run. The results come on the preparer threads.
class PreparerThreads {
 public:
  using Ticket = std::uint64_t;
  using Prepared = Result<PreparedRequest, UnpreparedRequest>;
  using Deliver = std::function<void(Ticket, Prepared)>;

  // `preparer` must outlive this object. `deliver` is called without a lock.
  PreparerThreads(PreparerThreadsOptions options, const RequestPreparer& preparer, Log log,
                  Deliver deliver);
  ~PreparerThreads() { stop(); }
  PreparerThreads(const PreparerThreads&) = delete;
  PreparerThreads& operator=(const PreparerThreads&) = delete;

  // Prepares a request in its turn. The result comes under the ticket, once, unless it is dropped.
  // Throws std::system_error when there is no thread and none can be started.
  [[nodiscard]] Ticket add(Preparation preparation);
  // Nobody waits for the result any more: what has not begun is not begun, and of what has begun no
  // further function is called. A result that is on its way may still come.
  void drop(Ticket ticket);

  // Drops everything and waits for the functions that run. add() starts threads again.
  void stop();

  // Whether the calling thread is one of these, of any PreparerThreads.
  [[nodiscard]] static bool is_preparer_thread();

 private:
  class Call;

  void start_one() REQUIRES(mutex_);
  void run();
  void prepare(Ticket ticket, const Preparation& preparation);
  [[nodiscard]] bool is_wanted(Ticket ticket) const;

  const PreparerThreadsOptions options_;
  const RequestPreparer& preparer_;
  const Log log_;
  const Deliver deliver_;

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::map<Ticket, Preparation> waiting_ GUARDED_BY(mutex_);  // the oldest first
  std::set<Ticket> running_ GUARDED_BY(mutex_);               // those that are not dropped
  std::size_t idle_ GUARDED_BY(mutex_) = 0;                   // threads
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
  Ticket last_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace patient_http::engine
