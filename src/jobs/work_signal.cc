#include "jobs/work_signal.h"

namespace patient_http::jobs {

WorkSignal::Seen WorkSignal::now() const {
  base::MutexLock lock(mutex_);
  return {announced_, woken_};
}

void WorkSignal::announce() {
  {
    base::MutexLock lock(mutex_);
    ++announced_;
  }
  changed_.notify_all();
}

void WorkSignal::wake() {
  {
    base::MutexLock lock(mutex_);
    ++woken_;
  }
  changed_.notify_all();
}

bool WorkSignal::take_wake() {
  base::MutexLock lock(mutex_);
  const bool is_new = wakes_taken_ != woken_;
  wakes_taken_ = woken_;
  return is_new;
}

WorkSignal::Event WorkSignal::wait(const Seen& seen,
                                   std::chrono::steady_clock::time_point deadline) {
  base::MutexLock lock(mutex_);
  while (announced_ == seen.announced && woken_ == seen.woken) {
    if (!changed_.wait_until(mutex_, deadline) && announced_ == seen.announced &&
        woken_ == seen.woken)
      return Event::kDeadline;
  }
  if (woken_ == seen.woken) return Event::kWork;
  wakes_taken_ = woken_;
  return Event::kWoken;
}

}  // namespace patient_http::jobs
