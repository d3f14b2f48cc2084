#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

namespace patient_http::net {

using TimePoint = std::chrono::steady_clock::time_point;

class TimerQueue;

// A point in time at which something is called, once. Destroying it cancels it.
class Timer {
 public:
  // `on_due` may set, cancel or destroy any timer, this one included.
  explicit Timer(std::function<void()> on_due) : on_due_(std::move(on_due)) {}
  ~Timer();

  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  [[nodiscard]] bool is_set() const { return place_ != kUnset; }
  // REQUIRES: is_set().
  [[nodiscard]] TimePoint deadline() const { return deadline_; }

 private:
  friend class TimerQueue;
  static constexpr std::size_t kUnset = static_cast<std::size_t>(-1);

  std::function<void()> on_due_;
  TimerQueue* queue_ = nullptr;
  TimePoint deadline_;
  std::size_t place_ = kUnset;  // in the queue's heap
};

// Timers by deadline: a binary heap that knows each timer's place, so that setting and cancelling
// cost O(log n) and no allocation. Used by one thread; must outlive its timers' being set.
class TimerQueue {
 public:
  TimerQueue() = default;
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Sets or moves.
  void set(Timer& timer, TimePoint deadline);
  void cancel(Timer& timer);

  // Calls what is due at `now`, earliest first, until there is no more or the clock says `until`;
  // returns even if the calls set timers for `now`.
  void run_due(TimePoint now, TimePoint until = TimePoint::max());

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  // REQUIRES: !empty().
  [[nodiscard]] TimePoint earliest() const { return heap_.front()->deadline_; }

 private:
  void put(std::size_t place, Timer* timer);
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);

  std::vector<Timer*> heap_;
};

}  // namespace patient_http::net
