#include "daemon/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace patient_http::daemon {

namespace {

constexpr std::size_t kReadSize = 256 * 1024;

}  // namespace

LineReader::Got LineReader::next(std::chrono::milliseconds patience) {
  for (;;) {
    const std::size_t end = buffer_.find('\n', begin_ + scanned_);
    if (end != std::string::npos || (ended_ && begin_ < buffer_.size())) {
      const bool has_feed = end != std::string::npos;
      const std::size_t line_end = has_feed ? end : buffer_.size();
      line_ = std::string_view(buffer_).substr(begin_, line_end - begin_);
      raw_ = std::string_view(buffer_).substr(begin_, line_end - begin_ + (has_feed ? 1 : 0));
      begin_ += raw_.size();
      scanned_ = 0;
      return Got::kLine;
    }
    if (ended_) return Got::kEnd;
    scanned_ = buffer_.size() - begin_;
    if (scanned_ > kLongestLine) {
      error_ = "a line is longer than " + std::to_string(kLongestLine) + " bytes";
      return Got::kFailed;
    }
    if (const Got got = fill(patience); got != Got::kLine) return got;
  }
}

// kLine: there is more to look at, or the end was reached.
LineReader::Got LineReader::fill(std::chrono::milliseconds patience) {
  buffer_.erase(0, begin_);
  begin_ = 0;
  pollfd poller{fd_, POLLIN, 0};
  const int ready = ::poll(&poller, 1, static_cast<int>(patience.count()));
  if (ready == 0 || (ready < 0 && errno == EINTR)) return Got::kNothingYet;
  const std::size_t size = buffer_.size();
  buffer_.resize(size + kReadSize);
  const ssize_t got = ::read(fd_, buffer_.data() + size, kReadSize);
  buffer_.resize(size + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got < 0) {
    if (errno == EINTR || errno == EAGAIN) return Got::kNothingYet;
    error_ = std::generic_category().message(errno);
    return Got::kFailed;
  }
  ended_ = got == 0;
  return Got::kLine;
}

}  // namespace patient_http::daemon
