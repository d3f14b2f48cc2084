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
      : budget_(other.budget_),
        bytes_(std::exchange(other.bytes_, 0)),
        is_settled_(std::exchange(other.is_settled_, false)) {}
  BodyCharge& operator=(BodyCharge&& other) noexcept {
    if (this != &other) {
      give_back();
      budget_ = other.budget_;
      bytes_ = std::exchange(other.bytes_, 0);
      is_settled_ = std::exchange(other.is_settled_, false);
    }
    return *this;
  }
  ~BodyCharge() { give_back(); }

  // REQUIRES: not settled.
  void add(std::size_t bytes);
  // The body is whole: its bytes will be given back without more being read.
  void settle();
  void give_back();

 private:
  BodyBudget* budget_;
  std::size_t bytes_ = 0;
  bool is_settled_ = false;
};

// How many bytes of bodies a process holds at once. Charging never fails: readers ask is_spent()
// before they read on, so that it is overdrawn by what one read brings at most.
//
// Thread safety: all methods may be called from any thread.
class BodyBudget {
 public:
  // `on_room`, called from any thread, when a budget that was spent has room again, or is spent by
  // bodies alone that still grow.
  BodyBudget(std::size_t bytes, std::function<void()> on_room)
      : limit_(bytes), on_room_(std::move(on_room)) {}

  [[nodiscard]] bool is_spent() const { return used_.load(std::memory_order_relaxed) >= limit_; }
  // Whether it is spent twice over: nobody may overdraw it any more.
  [[nodiscard]] bool is_overdrawn() const { return used() / 2 >= limit_; }
  // Whether some of it will be given back without more being read.
  [[nodiscard]] bool is_leaving() const { return leaving_.load(std::memory_order_relaxed) > 0; }
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  friend class BodyCharge;

  const std::size_t limit_;
  const std::function<void()> on_room_;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> leaving_{0};  // of those: settled
};

inline void BodyCharge::add(std::size_t bytes) {
  bytes_ += bytes;
  budget_->used_.fetch_add(bytes, std::memory_order_relaxed);
}

inline void BodyCharge::settle() {
  if (std::exchange(is_settled_, true)) return;
  budget_->leaving_.fetch_add(bytes_, std::memory_order_relaxed);
}

inline void BodyCharge::give_back() {
  const std::size_t bytes = std::exchange(bytes_, 0);
  const bool was_settled = std::exchange(is_settled_, false);
  if (bytes == 0) return;
  const bool was_last =
      was_settled && budget_->leaving_.fetch_sub(bytes, std::memory_order_relaxed) == bytes;
  const std::size_t before = budget_->used_.fetch_sub(bytes, std::memory_order_relaxed);
  if (before < budget_->limit_) return;
  if (was_last || before - bytes < budget_->limit_) budget_->on_room_();
}

}  // namespace patient_http::engine
