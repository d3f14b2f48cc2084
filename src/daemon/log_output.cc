#include "daemon/log_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <system_error>
#include <utility>

#include "base/json_text.h"
#include "base/text.h"

namespace patient_http::daemon {

// A descriptor that is closed with its last owner, but for standard error.
class LogOutput::File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // How much of it was written; less on a full disk.
  [[nodiscard]] std::size_t write(const std::string& line) const {
    ssize_t written = 0;
    do {
      written = ::write(descriptor_, line.data(), line.size());
    } while (written < 0 && errno == EINTR);
    return written < 0 ? 0 : static_cast<std::size_t>(written);
  }

 private:
  const int descriptor_;
};

namespace {

std::string time_text() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(now));
  const auto millis =
      std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 40> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const std::string fraction = std::to_string(1000 + millis);
  return std::string(text.data(), length) + "." + fraction.substr(1) + "Z";
}

std::string_view level_text(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

std::string line_of(LogFormat format, LogLevel level, std::string_view message) {
  std::string line;
  if (format == LogFormat::kJson) {
    line.append("{\"time\":\"").append(time_text()).append("\",\"level\":\"");
    line.append(level_text(level)).append("\",\"message\":");
    base::append_json_string(line, base::to_valid_utf8(message));
    return line.append(",\"pid\":").append(std::to_string(::getpid())).append("}\n");
  }
  line.append(time_text()).append(" ").append(level_text(level)).append(" ");
  const std::size_t begin = line.size();
  line.append(message);
  // One line per message, whatever is in it.
  std::replace_if(
      line.begin() + static_cast<std::ptrdiff_t>(begin), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line.append("\n");
}

}  // namespace

LogOutput::LogOutput(std::shared_ptr<const File> file, LogFormat format, LogLevel least)
    : format_(format), least_(least), file_(std::move(file)) {}

Result<std::shared_ptr<const LogOutput::File>> LogOutput::open_file(const std::string& path) {
  if (path.empty()) return std::make_shared<const File>(STDERR_FILENO);
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
  if (descriptor < 0) {
    return failure("cannot open the log file " + path + ": " +
                   std::generic_category().message(errno));
  }
  return std::make_shared<const File>(descriptor);
}

Result<std::shared_ptr<LogOutput>> LogOutput::open(const std::string& path, LogFormat format,
                                                   LogLevel least) {
  auto file = open_file(path);
  if (!file) return unexpected(std::move(file.error()));
  return std::shared_ptr<LogOutput>(new LogOutput(std::move(*file), format, least));
}

Log LogOutput::log_to(std::shared_ptr<LogOutput> output) {
  return Log([output = std::move(output)](
                 LogLevel level, std::string_view message) { output->write(level, message); },
             LogLevel::kDebug);
}

Result<void> LogOutput::reopen(const std::string& path) {
  auto file = open_file(path);
  if (!file) return unexpected(std::move(file.error()));
  base::MutexLock lock(mutex_);
  file_.swap(*file);
  return {};
}

void LogOutput::write(LogLevel level, std::string_view message) noexcept {
  if (level < least_.load(std::memory_order_relaxed)) return;
  try {
    std::string line = line_of(format_, level, message);
    if (is_mid_line_) line.insert(0, "\n");
    std::shared_ptr<const File> file;
    {
      base::MutexLock lock(mutex_);
      file = file_;
    }
    const std::size_t written = file->write(line);
    if (written > 0) is_mid_line_ = written < line.size();
  } catch (...) {
    // No memory for a line: it is lost.
    return;
  }
}

}  // namespace patient_http::daemon
