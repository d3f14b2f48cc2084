#include "jobs/store_patience.h"

#include <algorithm>

namespace patient_http::jobs {

void StorePatience::give_up() {
  {
    base::MutexLock lock(mutex_);
    given_up_ = true;
  }
  changed_.notify_all();
}

void StorePatience::reset() {
  base::MutexLock lock(mutex_);
  given_up_ = false;
}

bool StorePatience::wait(int tries) {
  using std::chrono::milliseconds;
  const milliseconds delay(std::min(50 << std::min(tries, 6), 2000));
  const auto until = std::chrono::steady_clock::now() + delay;
  base::MutexLock lock(mutex_);
  while (!given_up_) {
    if (!changed_.wait_until(mutex_, until)) return !given_up_;
  }
  return false;
}

}  // namespace patient_http::jobs
