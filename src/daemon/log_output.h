#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "patient_http/log.h"
#include "patient_http/result.h"

namespace patient_http::daemon {

enum class LogFormat { kText, kJson };

// Where a daemon's log goes: a file, or standard error. A line per message, written in one piece;
// what cannot be written, as on a full disk, is lost, and nobody hears of it.
//
// Thread safety: all methods may be called from any thread.
class LogOutput {
 public:
  // `path` empty: standard error. The file is appended to, and made with mode 0640.
  [[nodiscard]] static Result<std::shared_ptr<LogOutput>> open(const std::string& path,
                                                               LogFormat format, LogLevel least);

  // A log that writes here. It and its copies own `output` too.
  [[nodiscard]] static Log log_to(std::shared_ptr<LogOutput> output);

  // Opens `path` anew, after somebody has renamed the file. On failure the old one stays.
  [[nodiscard]] Result<void> reopen(const std::string& path);
  void set_format(LogFormat format) { format_ = format; }
  void set_level(LogLevel least) { least_ = least; }

  void write(LogLevel level, std::string_view message) noexcept;

 private:
  class File;

  LogOutput(std::shared_ptr<const File> file, LogFormat format, LogLevel least);

  [[nodiscard]] static Result<std::shared_ptr<const File>> open_file(const std::string& path);

  std::atomic<LogFormat> format_;
  std::atomic<LogLevel> least_;
  std::atomic<bool> is_mid_line_{false};  // the last line was cut off

  base::Mutex mutex_;
  // Shared with who is just writing to it.
  std::shared_ptr<const File> file_ GUARDED_BY(mutex_);
};

}  // namespace patient_http::daemon
