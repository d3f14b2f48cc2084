#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include "base/mutex.h"

namespace patient_http::engine {

// Counts the tasks of a processor: those that occupy one of its slots (queued, running, or not
// settled yet), and those that are parked without one: between two attempts, or until there is
// room at their origin. Nothing gets in beyond the number of slots; a parked task whose wait is
// over goes before new ones.
//
// Thread safety: all methods may be called from any thread.
class Slots {
 public:
  enum class Taken { kYes, kFull, kClosed };
  struct Counts {
    std::size_t occupied = 0;
    std::size_t parked = 0;
  };

  // `on_room` is called, from any thread and without a lock, when a parked task that waits for a
  // slot may ask again.
  Slots(std::size_t capacity, std::function<void()> on_room);

  void open();
  // Refuses further tasks; those inside go on.
  void close();

  // For a new task.
  [[nodiscard]] Taken try_take();
  // After the settlement of `count` tasks.
  void give_back(std::size_t count);

  // A task gives up its slot while it waits. False when the parking room, as large as the slots, is
  // full: it then waits in its slot.
  [[nodiscard]] bool try_park();
  // A parked task's wait is over: from now on it goes before new tasks.
  void want_back();
  // ...and takes a slot if there is one. REQUIRES: want_back() was called for it.
  [[nodiscard]] bool try_return();
  // It does not want that any more, and waits on.
  void want_no_more();
  // A parked task ends: it takes a slot until it is settled, even if there is none.
  // `wanted_back`: whether want_back() was called for it.
  void force_return(bool wanted_back);

  [[nodiscard]] Counts counts() const;
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  // How many tasks try_take() would let in.
  [[nodiscard]] std::size_t free() const;

  // Waits until nothing is occupied or parked. False when the time came first.
  [[nodiscard]] bool wait_until_empty(std::chrono::steady_clock::time_point deadline) const;
  // Waits until free() is `count` or more, or the slots are closed. False when the time came first.
  [[nodiscard]] bool wait_for_free(std::size_t count,
                                   std::chrono::steady_clock::time_point deadline) const;

 private:
  [[nodiscard]] std::size_t free_locked() const REQUIRES(mutex_);

  const std::size_t capacity_;
  const std::function<void()> on_room_;

  mutable base::Mutex mutex_;
  mutable base::CondVar changed_;
  bool open_ GUARDED_BY(mutex_) = false;
  std::size_t occupied_ GUARDED_BY(mutex_) = 0;
  std::size_t parked_ GUARDED_BY(mutex_) = 0;
  std::size_t wanted_back_ GUARDED_BY(mutex_) = 0;  // parked ones that wait for a slot
};

}  // namespace patient_http::engine
