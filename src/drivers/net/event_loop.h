#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "drivers/net/fd.h"
#include "drivers/net/timer.h"

struct epoll_event;

namespace patient_http::net {

// What a descriptor is watched for, and what it is ready for. Errors and hang-ups make it ready
// for both: the next read or write reports them.
struct Interest {
  bool read = false;
  bool write = false;
  bool operator==(const Interest&) const = default;
};

class ReadyHandler {
 public:
  virtual ~ReadyHandler() = default;
  // May unwatch and destroy any handler, this one included.
  virtual void on_ready(Interest ready) = 0;
};

class EventLoop;

// A descriptor's registration with a loop. Destroying it unregisters; the descriptor itself stays
// with its owner and must be open until then.
class Watch {
 public:
  Watch() = default;
  Watch(Watch&& other) noexcept;
  Watch& operator=(Watch&& other) noexcept;
  ~Watch() { reset(); }

  void reset();
  // Does nothing when the interest is what it was.
  void set(Interest interest);
  // Readiness goes to another handler from now on.
  void hand_to(ReadyHandler& handler);
  [[nodiscard]] explicit operator bool() const { return loop_ != nullptr; }

 private:
  friend class EventLoop;
  Watch(EventLoop* loop, std::uint32_t slot) : loop_(loop), slot_(slot) {}

  EventLoop* loop_ = nullptr;
  std::uint32_t slot_ = 0;
};

// epoll, timers and a way to be woken. All methods but wake() belong to the thread that turns it.
class EventLoop {
 public:
  // Throws std::system_error when the process has no descriptors left.
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // `handler` must outlive the watch. Level-triggered. Throws std::system_error when the kernel
  // refuses the registration, for which it must be out of memory or watches.
  [[nodiscard]] Watch watch(int fd, Interest interest, ReadyHandler& handler);

  // Waits for readiness, timers or wake(), at most until `latest`, and dispatches for a few
  // milliseconds; the rest comes in the next turn.
  void turn(TimePoint latest);

  // Ends the current or the next wait. Callable from any thread, and cheap unless the loop waits.
  void wake() noexcept;

  [[nodiscard]] TimerQueue& timers() { return timers_; }
  // The time at which this turn's dispatching began, or of the last update_now().
  [[nodiscard]] TimePoint now() const { return now_; }
  void update_now() { now_ = std::chrono::steady_clock::now(); }

 private:
  friend class Watch;

  struct Slot {
    ReadyHandler* handler = nullptr;  // null: the slot is free
    int fd = -1;
    Interest interest;
    std::uint32_t generation = 0;  // tells a stale event from one for the slot's new user
  };

  // What wake() must know: only a loop that waits costs a write to wake_fd_.
  enum class Wait { kNone, kWaits, kWoken };

  [[nodiscard]] int wait_for_events(std::span<epoll_event> events, TimePoint latest);
  void control(int operation, std::uint32_t slot);
  [[nodiscard]] int milliseconds_to_wait(TimePoint latest) const;

  Fd epoll_;
  Fd wake_fd_;
  std::atomic<Wait> wait_{Wait::kNone};
  TimerQueue timers_;
  TimePoint now_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
};

}  // namespace patient_http::net
