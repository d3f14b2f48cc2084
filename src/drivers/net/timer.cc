#include "drivers/net/timer.h"

namespace patient_http::net {

namespace {

// Between two looks at the clock.
constexpr std::size_t kCallsPerLook = 8;

}  // namespace

Timer::~Timer() {
  if (is_set()) queue_->cancel(*this);
}

TimerQueue::~TimerQueue() {
  for (Timer* timer : heap_) timer->place_ = Timer::kUnset;
}

void TimerQueue::set(Timer& timer, TimePoint deadline) {
  timer.deadline_ = deadline;
  if (!timer.is_set()) {
    timer.queue_ = this;
    heap_.push_back(nullptr);
    put(heap_.size() - 1, &timer);
  }
  sift_up(timer.place_);
  sift_down(timer.place_);
}

void TimerQueue::cancel(Timer& timer) {
  if (!timer.is_set()) return;
  const std::size_t place = timer.place_;
  timer.place_ = Timer::kUnset;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  put(place, last);
  sift_up(place);
  sift_down(last->place_);
}

void TimerQueue::run_due(TimePoint now, TimePoint until) {
  // At most as many as there are now: a call that sets a timer for `now` must not keep this loop
  // running for ever.
  for (std::size_t most = heap_.size(); most > 0 && !heap_.empty(); --most) {
    Timer* timer = heap_.front();
    if (timer->deadline_ > now) return;
    cancel(*timer);
    timer->on_due_();
    if (most % kCallsPerLook == 0 && std::chrono::steady_clock::now() >= until) return;
  }
}

void TimerQueue::put(std::size_t place, Timer* timer) {
  heap_[place] = timer;
  timer->place_ = place;
}

void TimerQueue::sift_up(std::size_t place) {
  Timer* timer = heap_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (heap_[parent]->deadline_ <= timer->deadline_) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, timer);
}

void TimerQueue::sift_down(std::size_t place) {
  Timer* timer = heap_[place];
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->deadline_ < heap_[child]->deadline_) ++child;
    if (timer->deadline_ <= heap_[child]->deadline_) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, timer);
}

}  // namespace patient_http::net
