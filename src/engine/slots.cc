#include "engine/slots.h"

namespace patient_http::engine {

using base::MutexLock;

Slots::Slots(std::size_t capacity, std::function<void()> on_room)
    : capacity_(capacity), on_room_(std::move(on_room)) {}

void Slots::open() {
  MutexLock lock(mutex_);
  open_ = true;
}

void Slots::close() {
  MutexLock lock(mutex_);
  open_ = false;
  changed_.notify_all();
}

Slots::Taken Slots::try_take() {
  MutexLock lock(mutex_);
  if (!open_) return Taken::kClosed;
  if (occupied_ + wanted_back_ >= capacity_) return Taken::kFull;
  ++occupied_;
  return Taken::kYes;
}

void Slots::give_back(std::size_t count) {
  bool awaited = false;
  {
    MutexLock lock(mutex_);
    occupied_ -= count;
    awaited = wanted_back_ > 0;
    changed_.notify_all();
  }
  if (awaited) on_room_();
}

bool Slots::try_park() {
  MutexLock lock(mutex_);
  if (parked_ >= capacity_) return false;
  ++parked_;
  --occupied_;
  changed_.notify_all();
  return true;
}

void Slots::want_back() {
  MutexLock lock(mutex_);
  ++wanted_back_;
}

bool Slots::try_return() {
  MutexLock lock(mutex_);
  if (occupied_ >= capacity_) return false;
  --wanted_back_;
  --parked_;
  ++occupied_;
  return true;
}

void Slots::want_no_more() {
  MutexLock lock(mutex_);
  --wanted_back_;
  changed_.notify_all();
}

void Slots::force_return(bool wanted_back) {
  MutexLock lock(mutex_);
  if (wanted_back) --wanted_back_;
  --parked_;
  ++occupied_;
}

Slots::Counts Slots::counts() const {
  MutexLock lock(mutex_);
  return {occupied_, parked_};
}

std::size_t Slots::free() const {
  MutexLock lock(mutex_);
  return free_locked();
}

std::size_t Slots::free_locked() const {
  const std::size_t spoken_for = occupied_ + wanted_back_;
  if (!open_ || parked_ >= capacity_ || spoken_for >= capacity_) return 0;
  return capacity_ - spoken_for;
}

bool Slots::wait_until_empty(std::chrono::steady_clock::time_point deadline) const {
  MutexLock lock(mutex_);
  while (occupied_ > 0 || parked_ > 0) {
    if (!changed_.wait_until(mutex_, deadline)) return occupied_ == 0 && parked_ == 0;
  }
  return true;
}

bool Slots::wait_for_free(std::size_t count, std::chrono::steady_clock::time_point deadline) const {
  MutexLock lock(mutex_);
  while (open_ && free_locked() < count) {
    if (!changed_.wait_until(mutex_, deadline)) return !open_ || free_locked() >= count;
  }
  return true;
}

}  // namespace patient_http::engine
