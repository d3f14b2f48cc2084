#include "drivers/net/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace patient_http::net {

namespace {

constexpr int kEventsPerTurn = 64;
// A turn stays short even when each event is a TLS handshake, and when thousands of timers are
// due: what is left over is level-triggered, or still due, and comes in the next turns.
constexpr std::chrono::milliseconds kEventsTime{6};
constexpr std::chrono::milliseconds kTimersTime{3};
constexpr int kEventsPerLook = 4;  // at the clock
constexpr std::uint64_t kWakeTag = ~std::uint64_t{0};

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Watch::Watch(Watch&& other) noexcept
    : loop_(std::exchange(other.loop_, nullptr)), slot_(other.slot_) {}

Watch& Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    reset();
    loop_ = std::exchange(other.loop_, nullptr);
    slot_ = other.slot_;
  }
  return *this;
}

void Watch::reset() {
  if (loop_ == nullptr) return;
  EventLoop& loop = *std::exchange(loop_, nullptr);
  EventLoop::Slot& slot = loop.slots_[slot_];
  epoll_ctl(loop.epoll_.get(), EPOLL_CTL_DEL, slot.fd, nullptr);
  slot.handler = nullptr;
  ++slot.generation;
  loop.free_slots_.push_back(slot_);
}

void Watch::set(Interest interest) {
  EventLoop::Slot& slot = loop_->slots_[slot_];
  if (slot.interest == interest) return;
  slot.interest = interest;
  loop_->control(EPOLL_CTL_MOD, slot_);
}

void Watch::hand_to(ReadyHandler& handler) {
  loop_->slots_[slot_].handler = &handler;
}

EventLoop::EventLoop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      now_(std::chrono::steady_clock::now()) {
  if (!epoll_) throw_errno("epoll_create1");
  if (!wake_fd_) throw_errno("eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeTag;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_fd_.get(), &event) != 0) throw_errno("epoll_ctl");
}

EventLoop::~EventLoop() = default;

Watch EventLoop::watch(int fd, Interest interest, ReadyHandler& handler) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_slots_.back();
  Slot& slot = slots_[index];
  slot.fd = fd;
  slot.interest = interest;
  control(EPOLL_CTL_ADD, index);
  free_slots_.pop_back();
  slot.handler = &handler;
  return Watch(this, index);
}

void EventLoop::control(int operation, std::uint32_t index) {
  const Slot& slot = slots_[index];
  epoll_event event{};
  event.events = (slot.interest.read ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                 (slot.interest.write ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.u64 = std::uint64_t{slot.generation} << 32 | index;
  if (epoll_ctl(epoll_.get(), operation, slot.fd, &event) != 0) throw_errno("epoll_ctl");
}

int EventLoop::milliseconds_to_wait(TimePoint latest) const {
  if (!timers_.empty()) latest = std::min(latest, timers_.earliest());
  const auto now = std::chrono::steady_clock::now();
  if (latest <= now) return 0;
  // Rounded up: waking a little early would only mean to wait again.
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(latest - now);
  return static_cast<int>(std::min<std::chrono::milliseconds::rep>(wait.count(), 60'000));
}

int EventLoop::wait_for_events(std::span<epoll_event> events, TimePoint latest) {
  int milliseconds = milliseconds_to_wait(latest);
  // Whoever wakes us from here on writes; whoever did before is why we do not wait.
  Wait expected = Wait::kNone;
  if (milliseconds > 0 && !wait_.compare_exchange_strong(expected, Wait::kWaits)) milliseconds = 0;
  const int count =
      epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), milliseconds);
  wait_ = Wait::kNone;
  if (count < 0 && errno != EINTR) throw_errno("epoll_wait");
  return count;
}

void EventLoop::turn(TimePoint latest) {
  std::array<epoll_event, kEventsPerTurn> events;
  const int count = wait_for_events(events, latest);
  now_ = std::chrono::steady_clock::now();
  TimePoint clock = now_;
  for (int i = 0; i < count && clock < now_ + kEventsTime; ++i) {
    if (i % kEventsPerLook == kEventsPerLook - 1) clock = std::chrono::steady_clock::now();
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kWakeTag) {
      std::uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t got = ::read(wake_fd_.get(), &ignored, sizeof ignored);
      continue;
    }
    const Slot& slot = slots_[event.data.u64 & 0xffffffffU];
    if (slot.handler == nullptr || slot.generation != event.data.u64 >> 32) continue;
    const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    slot.handler->on_ready(
        {(event.events & EPOLLIN) != 0 || broken, (event.events & EPOLLOUT) != 0 || broken});
  }
  if (!timers_.empty() && timers_.earliest() <= now_) {
    timers_.run_due(now_, std::chrono::steady_clock::now() + kTimersTime);
  }
}

void EventLoop::wake() noexcept {
  if (wait_.exchange(Wait::kWoken) != Wait::kWaits) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(wake_fd_.get(), &one, sizeof one);
}

}  // namespace patient_http::net
