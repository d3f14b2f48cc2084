#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace patient_http::daemon {

// Reads lines from a descriptor, in bounded memory. Used by one thread; the descriptor must stay
// open as long as this object is used.
class LineReader {
 public:
  enum class Got {
    kLine,
    kEnd,
    kNothingYet,  // nothing came within the patience: a pipe whose writer is slow
    kFailed,      // see error()
  };

  explicit LineReader(int fd) : fd_(fd) {}

  // The next line. A last line without a line feed counts.
  [[nodiscard]] Got next(std::chrono::milliseconds patience);
  // The line, without its line feed, and its bytes in the file. Until the next call.
  [[nodiscard]] std::string_view line() const { return line_; }
  [[nodiscard]] std::string_view raw() const { return raw_; }
  [[nodiscard]] const std::string& error() const { return error_; }

  static constexpr std::size_t kLongestLine = std::size_t{256} << 20;

 private:
  [[nodiscard]] Got fill(std::chrono::milliseconds patience);

  int fd_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of what was not given out yet
  std::size_t scanned_ = 0;  // without a line feed, from begin_ on
  bool ended_ = false;
  std::string_view line_;
  std::string_view raw_;
  std::string error_;
};

}  // namespace patient_http::daemon
