#include "patient_http/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

namespace patient_http {

namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

Log::Log(Sink sink, LogLevel least) : sink_(std::move(sink)), least_(least) {}

Log Log::standard_error(LogLevel least) {
  // Shared by the copies of this Log: the sink lives as long as any of them.
  auto logger = std::make_shared<spdlog::logger>("patient-http",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(spdlog::level::debug);
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  return Log(
      [logger](LogLevel level, std::string_view message) {
        logger->log(to_spdlog(level), spdlog::string_view_t(message.data(), message.size()));
      },
      least);
}

void Log::write(LogLevel level, std::string_view message) const {
  if (!sink_ || level < least_) return;
  try {
    sink_(level, message);
  } catch (...) {
    // It is the user's, and its disk may be full: a line less is better than a thread less.
  }
}

}  // namespace patient_http
