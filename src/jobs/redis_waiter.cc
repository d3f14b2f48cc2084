#include "jobs/redis_waiter.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

namespace patient_http::jobs {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

constexpr auto kFirstPoll = 20ms;
constexpr auto kLongestPoll = 1000ms;
constexpr auto kSecondWait = 100ms;
// BLMOVE ends after that by itself. Later than that and a grace, the connection is dead.
constexpr auto kBlock = 5s;
constexpr auto kGrace = 3s;

int milliseconds_until(steady_clock::time_point time) {
  const auto left = std::chrono::ceil<milliseconds>(time - steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

}  // namespace

// One queue, and the connection that waits on it.
class RedisWaiter::Queue {
 public:
  Queue(redis::RedisClient& client, std::string key) : client_(client), key_(std::move(key)) {}

  // Begins to wait unless it waits already. False when the store cannot be reached.
  bool start() {
    if (connection_ != nullptr && is_pending_ && steady_clock::now() > since_ + kBlock + kGrace)
      connection_.reset();
    if (connection_ != nullptr && !connection_->is_open()) connection_.reset();
    if (connection_ == nullptr) {
      is_pending_ = false;
      auto opened = client_.connect();
      if (!opened) return false;
      connection_ = std::move(*opened);
    }
    if (is_pending_) return true;
    const std::string seconds = std::to_string(kBlock.count());
    const std::vector<std::string_view> words = {"BLMOVE", key_, key_, "RIGHT", "RIGHT", seconds};
    if (!connection_->send(words)) {
      connection_.reset();
      return false;
    }
    is_pending_ = true;
    since_ = steady_clock::now();
    return true;
  }

  enum class Found { kNothing, kWork, kFailed };
  // What has come meanwhile; then start() is to be called again.
  Found look() {
    if (connection_ == nullptr) return Found::kFailed;
    auto reply = connection_->receive();
    if (!reply) {
      connection_.reset();
      is_pending_ = false;
      return Found::kFailed;
    }
    if (!*reply) return Found::kNothing;
    is_pending_ = false;
    return (*reply)->is_nil() ? Found::kNothing : Found::kWork;
  }

  [[nodiscard]] int fd() const { return connection_ != nullptr ? connection_->fd() : -1; }
  [[nodiscard]] bool has_unread() const {
    return connection_ != nullptr && connection_->has_unread();
  }

 private:
  redis::RedisClient& client_;
  const std::string key_;
  std::unique_ptr<redis::RedisConnection> connection_;
  bool is_pending_ = false;
  steady_clock::time_point since_;
};

RedisWaiter::RedisWaiter(redis::RedisClient& client, const std::vector<std::string>& keys)
    : wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (wake_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  for (const std::string& key : keys) queues_.push_back(std::make_unique<Queue>(client, key));
}

RedisWaiter::~RedisWaiter() {
  ::close(wake_fd_);
}

void RedisWaiter::wake() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_fd_, &one, sizeof(one)));
}

bool RedisWaiter::take_wake() {
  std::uint64_t count = 0;
  return ::read(wake_fd_, &count, sizeof(count)) > 0;
}

bool RedisWaiter::sleep_until(steady_clock::time_point time) {
  pollfd wake{wake_fd_, POLLIN, 0};
  while (::poll(&wake, 1, milliseconds_until(time)) < 0 && errno == EINTR) {
  }
  return take_wake();
}

void RedisWaiter::found_work() {
  base::MutexLock lock(mutex_);
  poll_ = milliseconds(0);
}

milliseconds RedisWaiter::next_poll() {
  base::MutexLock lock(mutex_);
  poll_ = std::clamp<milliseconds>(poll_ * 2, kFirstPoll, kLongestPoll);
  return poll_;
}

Wait RedisWaiter::wait(const std::vector<bool>& is_polled, steady_clock::time_point deadline) {
  if (take_wake()) return Wait::kWoken;
  const bool polls = std::find(is_polled.begin(), is_polled.end(), true) != is_polled.end();
  const auto poll_at = polls ? steady_clock::now() + next_poll() : steady_clock::time_point::max();
  const auto until = std::min(deadline, poll_at);
  bool is_second = false;
  const Wait at_end = poll_at <= deadline ? Wait::kWork : Wait::kDeadline;
  {
    base::MutexLock lock(mutex_);
    is_second = is_waiting_;
    is_waiting_ = true;
  }
  if (is_second) {
    const bool is_woken = sleep_until(std::min(until, steady_clock::now() + kSecondWait));
    return is_woken ? Wait::kWoken : Wait::kWork;
  }
  const Wait ended = wait_in_redis(is_polled, until, at_end);
  base::MutexLock lock(mutex_);
  is_waiting_ = false;
  return ended;
}

// The claim that follows says what is wrong, when it is more than the waiting: a user who may not
// block, too many connections.
Wait RedisWaiter::wait_after_failure(steady_clock::time_point until) {
  const bool is_woken = sleep_until(std::min(until, steady_clock::now() + next_poll()));
  return is_woken ? Wait::kWoken : Wait::kWork;
}

Wait RedisWaiter::wait_in_redis(const std::vector<bool>& is_polled, steady_clock::time_point until,
                                Wait at_end) {
  for (;;) {
    std::vector<Queue*> waiting;
    std::vector<pollfd> fds = {{wake_fd_, POLLIN, 0}};
    bool has_unread = false;
    for (std::size_t i = 0; i < queues_.size(); ++i) {
      if (i < is_polled.size() && is_polled[i]) continue;
      if (!queues_[i]->start()) return wait_after_failure(until);
      waiting.push_back(queues_[i].get());
      fds.push_back({queues_[i]->fd(), POLLIN, 0});
      has_unread = has_unread || queues_[i]->has_unread();
    }
    const int ready = ::poll(fds.data(), fds.size(), has_unread ? 0 : milliseconds_until(until));
    if (ready < 0 && errno != EINTR) return Wait::kWork;
    if (take_wake()) return Wait::kWoken;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (fds[i + 1].revents == 0 && !waiting[i]->has_unread()) continue;
      const Queue::Found found = waiting[i]->look();
      if (found == Queue::Found::kWork) return Wait::kWork;
      if (found == Queue::Found::kFailed) return wait_after_failure(until);
    }
    if (steady_clock::now() >= until) return at_end;
  }
}

}  // namespace patient_http::jobs
