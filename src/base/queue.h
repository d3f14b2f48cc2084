#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <limits>
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
    bool is_enough = false;
    {
      MutexLock lock(mutex_);
      if (closed_) return false;
      items_.push_back(std::move(item));
      is_enough = is_enough_locked();
    }
    not_empty_.notify_one();
    if (is_enough) enough_.notify_one();
    return true;
  }

  // The same for several at once, which are moved out of `items`. One who waits is woken, and wakes
  // the next if it leaves some.
  [[nodiscard]] bool push_all(std::vector<T>&& items) {
    bool is_enough = false;
    {
      MutexLock lock(mutex_);
      if (closed_) return false;
      std::move(items.begin(), items.end(), std::back_inserter(items_));
      is_enough = is_enough_locked();
    }
    not_empty_.notify_one();
    if (is_enough) enough_.notify_one();
    return true;
  }

  // Waits for items and takes up to `most` of them, oldest first. Empty only when the queue was
  // closed and nothing is left.
  [[nodiscard]] std::vector<T> take(std::size_t most) {
    MutexLock lock(mutex_);
    while (first_ == items_.size() && !closed_) not_empty_.wait(mutex_);
    return take_locked(most);
  }

  // The same without waiting.
  [[nodiscard]] std::vector<T> take_now(std::size_t most) {
    MutexLock lock(mutex_);
    return take_locked(most);
  }

  // Waits until `enough` items are there, the time has come, or the queue is closed. Those who wait
  // at the same time must want as many.
  void wait_for(std::size_t enough, std::chrono::steady_clock::time_point until) {
    MutexLock lock(mutex_);
    wanted_ = enough;
    while (!closed_ && !is_enough_locked() && enough_.wait_until(mutex_, until)) {
    }
  }

  // Refuses further items and wakes all who wait; what is in the queue can still be taken.
  void close() {
    {
      MutexLock lock(mutex_);
      closed_ = true;
    }
    not_empty_.notify_all();
    enough_.notify_all();
  }

  // Takes items again after close().
  void reopen() {
    MutexLock lock(mutex_);
    closed_ = false;
  }

  [[nodiscard]] std::size_t size() const {
    MutexLock lock(mutex_);
    return items_.size() - first_;
  }

 private:
  [[nodiscard]] bool is_enough_locked() const REQUIRES(mutex_) {
    return items_.size() - first_ >= wanted_;
  }

  std::vector<T> take_locked(std::size_t most) REQUIRES(mutex_) {
    const auto begin = items_.begin() + static_cast<std::ptrdiff_t>(first_);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(most, items_.size() - first_));
    std::vector<T> taken(std::make_move_iterator(begin), std::make_move_iterator(end));
    first_ += taken.size();
    if (first_ < items_.size()) not_empty_.notify_one();
    drop_taken();
    return taken;
  }

  // Moves what is left to the front once that is the smaller part, so that each item moves about
  // once.
  void drop_taken() REQUIRES(mutex_) {
    constexpr std::size_t kMostKept = 1024;  // places, after a burst
    if (first_ == items_.size()) {
      items_.clear();
      if (items_.capacity() > kMostKept) items_.shrink_to_fit();
    } else if (first_ > items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
    } else {
      return;
    }
    first_ = 0;
  }

  mutable Mutex mutex_;
  CondVar not_empty_;
  CondVar enough_;  // there are as many as wanted_
  // A vector: a deque allocates for each item of a few hundred bytes.
  std::vector<T> items_ GUARDED_BY(mutex_);
  std::size_t first_ GUARDED_BY(mutex_) = 0;  // those before it are taken
  std::size_t wanted_ GUARDED_BY(mutex_) = std::numeric_limits<std::size_t>::max();
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace patient_http::base
