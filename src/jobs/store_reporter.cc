#include "jobs/store_reporter.h"

#include "base/text.h"

namespace patient_http::jobs {

namespace {

using namespace std::chrono_literals;

// A store that comes and goes is reported so often at most.
constexpr auto kQuietTime = 10s;
constexpr auto kReminder = 5min;
constexpr std::size_t kMostBytesKept = 500;

std::string seconds_text(std::chrono::steady_clock::duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

}  // namespace

void StoreReporter::failed(const std::string& step, const StoreFailure& failure, TimePoint now) {
  refused(step, failure);
  if (failure.kind != StoreFailure::Kind::kUnavailable) {
    log_.warn(step + ": " + failure.message);
    return;
  }
  std::string line;
  {
    base::MutexLock lock(mutex_);
    const bool is_first = failing_.empty();
    failing_.insert(step);
    is_down_ = true;
    if (is_first) {
      since_ = now;
      is_reported_ = false;
    }
    const bool has_said_much = last_line_ != TimePoint() && now - last_line_ < kQuietTime;
    if (!is_reported_ && !has_said_much) {
      line = step + ": the store is down, trying again: " + failure.message;
    } else if (is_reported_ && now - last_line_ >= kReminder) {
      line =
          step + ": the store is down for " + seconds_text(now - since_) + ": " + failure.message;
    }
    if (!line.empty()) {
      is_reported_ = true;
      last_line_ = now;
    }
  }
  if (!line.empty()) log_.warn(line);
}

void StoreReporter::refused(const std::string& step, const StoreFailure& failure) {
  std::string text = step + ": " + failure.message;
  if (text.size() > kMostBytesKept) text = base::to_valid_utf8(text.substr(0, kMostBytesKept));
  base::MutexLock lock(mutex_);
  last_failure_ = LastFailure{std::move(text), std::chrono::system_clock::now()};
}

std::optional<StoreReporter::LastFailure> StoreReporter::last_failure() const {
  base::MutexLock lock(mutex_);
  return last_failure_;
}

void StoreReporter::succeeded(const std::string& step, TimePoint now) {
  if (!is_down_) return;
  std::string line;
  {
    base::MutexLock lock(mutex_);
    if (failing_.erase(step) == 0 || !failing_.empty()) return;
    is_down_ = false;
    if (!is_reported_) return;
    line = step + ": the store is back";
    if (now - since_ >= 1s) line += " after " + seconds_text(now - since_);
  }
  log_.info(line);
}

void StoreReporter::gave_up(const std::string& step) {
  if (!is_down_) return;
  base::MutexLock lock(mutex_);
  failing_.erase(step);
  is_down_ = !failing_.empty();
}

}  // namespace patient_http::jobs
