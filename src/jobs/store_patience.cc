#include "jobs/store_patience.h"

#include <algorithm>

namespace patient_http::jobs {

void StorePatience::give_up_at(std::chrono::steady_clock::time_point deadline) {
  {
    base::MutexLock lock(mutex_);
    deadline_ = deadline;
  }
  changed_.notify_all();
}

bool StorePatience::has_given_up() {
  base::MutexLock lock(mutex_);
  return std::chrono::steady_clock::now() >= deadline_;
}

void StorePatience::reset() {
  give_up_at(std::chrono::steady_clock::time_point::max());
}

bool StorePatience::wait(int tries) {
  using std::chrono::milliseconds;
  using std::chrono::steady_clock;
  const milliseconds delay(std::min(50 << std::min(tries, 6), 2000));
  const auto until = steady_clock::now() + delay;
  base::MutexLock lock(mutex_);
  while (steady_clock::now() < std::min(until, deadline_)) {
    static_cast<void>(changed_.wait_until(mutex_, std::min(until, deadline_)));
  }
  return steady_clock::now() < deadline_;
}

}  // namespace patient_http::jobs
