#include "engine/retry_policy.h"

#include <algorithm>
#include <cmath>

namespace patient_http::engine {

bool is_connection_failure(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kResolve:
    case ErrorKind::kResolveTimeout:
    case ErrorKind::kConnectTimeout:
    case ErrorKind::kRefused:
    case ErrorKind::kUnreachable:
    case ErrorKind::kReset:
    case ErrorKind::kClosed:
    case ErrorKind::kConnection:
      return true;
    default:
      return false;
  }
}

std::optional<std::chrono::nanoseconds> next_attempt_delay(const ProcessorOptions& options,
                                                           HttpMethod method, ErrorKind kind,
                                                           int attempts, double random) {
  if (attempts > options.retries || !is_idempotent(method) || !is_connection_failure(kind)) {
    return std::nullopt;
  }
  const Seconds full = std::min(options.retry_delay * std::exp2(std::min(attempts - 1, 30)),
                                options.longest_retry_delay);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(full * (0.5 + random / 2));
}

}  // namespace patient_http::engine
