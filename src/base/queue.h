#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace patient_http::base {

// An unbounded queue between threads. Its users bound it: what they put in is counted elsewhere.
//
// Thread safety: all methods may be called from any thread.
template <class T>
class Queue {
 public:
  // False when the queue was closed; `item` is then untouched.
  [[nodiscard]] bool push(T&& item) {
    {
      MutexLock lock(mutex_);
      if (closed_) return false;
      items_.push_back(std::move(item));
    }
    not_empty_.notify_one();
    return true;
  }

  // The same for several at once. One who waits is woken, and wakes the next if it leaves some.
  [[nodiscard]] bool push_all(std::vector<T>&& items) {
    {
      MutexLock lock(mutex_);
      if (closed_) return false;
      std::move(items.begin(), items.end(), std::back_inserter(items_));
    }
    not_empty_.notify_one();
    return true;
  }

  // Waits for items and takes up to `most` of them, oldest first. Empty only when the queue was
  // closed and nothing is left.
  [[nodiscard]] std::vector<T> take(std::size_t most) {
    MutexLock lock(mutex_);
    while (items_.empty() && !closed_) not_empty_.wait(mutex_);
    return take_locked(most);
  }

  // The same without waiting.
  [[nodiscard]] std::vector<T> take_now(std::size_t most) {
    MutexLock lock(mutex_);
    return take_locked(most);
  }

  // Refuses further items and wakes all who wait; what is in the queue can still be taken.
  void close() {
    {
      MutexLock lock(mutex_);
      closed_ = true;
    }
    not_empty_.notify_all();
  }

  // Takes items again after close().
  void reopen() {
    MutexLock lock(mutex_);
    closed_ = false;
  }

  [[nodiscard]] std::size_t size() const {
    MutexLock lock(mutex_);
    return items_.size();
  }

 private:
  std::vector<T> take_locked(std::size_t most) REQUIRES(mutex_) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(most, items_.size()));
    std::vector<T> taken(std::make_move_iterator(items_.begin()),
                         std::make_move_iterator(items_.begin() + count));
    items_.erase(items_.begin(), items_.begin() + count);
    if (!items_.empty()) not_empty_.notify_one();
    return taken;
  }

  mutable Mutex mutex_;
  CondVar not_empty_;
  std::deque<T> items_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace patient_http::base
