#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>

namespace patient_http::engine {

class BodyBudget;

// Bytes taken from a budget, given back when it is destroyed. Movable between threads.
class BodyCharge {
 public:
  explicit BodyCharge(BodyBudget& budget) : budget_(&budget) {}
  BodyCharge(BodyCharge&& other) noexcept
      : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
  BodyCharge& operator=(BodyCharge&& other) noexcept {
    if (this != &other) {
      give_back();
      budget_ = other.budget_;
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  ~BodyCharge() { give_back(); }

  void add(std::size_t bytes);
  void give_back();

 private:
  BodyBudget* budget_;
  std::size_t bytes_ = 0;
};

// How many bytes of bodies a process holds at once. Charging never fails: readers ask is_spent()
// before they read on, so that it is overdrawn by what one read brings at most.
//
// Thread safety: all methods may be called from any thread.
class BodyBudget {
 public:
  // `on_room`, called from any thread, when a budget that was spent has room again.
  BodyBudget(std::size_t bytes, std::function<void()> on_room)
      : limit_(bytes), on_room_(std::move(on_room)) {}

  [[nodiscard]] bool is_spent() const { return used_.load(std::memory_order_relaxed) >= limit_; }
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  friend class BodyCharge;

  const std::size_t limit_;
  const std::function<void()> on_room_;
  std::atomic<std::size_t> used_{0};
};

inline void BodyCharge::add(std::size_t bytes) {
  bytes_ += bytes;
  budget_->used_.fetch_add(bytes, std::memory_order_relaxed);
}

inline void BodyCharge::give_back() {
  const std::size_t bytes = std::exchange(bytes_, 0);
  if (bytes == 0) return;
  const std::size_t before = budget_->used_.fetch_sub(bytes, std::memory_order_relaxed);
  if (before >= budget_->limit_ && before - bytes < budget_->limit_) budget_->on_room_();
}

}  // namespace patient_http::engine
