#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace patient_http {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

// Where a part writes what an operator should know. Given to each part, never global.
//
// Messages hold no secret, body or query string. The reactor thread does not log: what it finds
// out is an outcome, and those who settle outcomes log.
//
// Thread safety: all methods may be called from any thread. Copies share the sink.
class Log {
 public:
  // Called with each message, from any thread, one at a time or at once: it must be thread-safe.
  // When it throws, the message is lost.
  using Sink = std::function<void(LogLevel, std::string_view)>;

  // Discards everything.
  Log() = default;
  explicit Log(Sink sink, LogLevel least = LogLevel::kInfo);

  // Lines with a time stamp on standard error.
  [[nodiscard]] static Log standard_error(LogLevel least);

  void debug(std::string_view message) const { write(LogLevel::kDebug, message); }
  void info(std::string_view message) const { write(LogLevel::kInfo, message); }
  void warn(std::string_view message) const { write(LogLevel::kWarn, message); }
  void error(std::string_view message) const { write(LogLevel::kError, message); }

 private:
  void write(LogLevel level, std::string_view message) const;

  Sink sink_;
  LogLevel least_ = LogLevel::kInfo;
};

}  // namespace patient_http
