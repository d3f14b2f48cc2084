#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "patient_http/error.h"
#include "patient_http/http_method.h"
#include "patient_http/processor_options.h"
#include "patient_http/request.h"

// When a request is sent again. Pure functions, without I/O.
namespace patient_http::engine {

// The processor's defaults, and over them what the request says.
struct RetryPolicy {
  int retries = 3;
  RetryOn on = {};
  Seconds delay{0.5};
  Seconds longest_delay{30};
  Seconds max_retry_after{3600};
  std::optional<Seconds> max_time = std::nullopt;
};

[[nodiscard]] RetryPolicy retry_policy_of(const ProcessorOptions& options, const Request& request);

// How an attempt ended that may be followed by another.
struct AttemptFailure {
  // kHttpStatus: by a response with `status`.
  ErrorKind kind = ErrorKind::kUnknown;
  int status = 0;
  // What its Retry-After asks for.
  std::optional<Seconds> retry_after = std::nullopt;
  // Whether a byte of it may have reached the server.
  bool bytes_left = false;
  // Whether it may be carried out twice: an idempotent method, an idempotency key, or the user's
  // word.
  bool is_repeatable = false;
};

// What was done so far: attempts, from 1, and the time since the first began.
struct AttemptsSoFar {
  int count = 1;
  Seconds time{0};
};

struct RetryDecision {
  // How long to wait before the next attempt; empty: there is none.
  std::optional<std::chrono::nanoseconds> delay;
  // Why there is none where the user wanted one and attempts are left; otherwise empty.
  std::string refusal = {};
};

// Whether a failure is one of the connection.
[[nodiscard]] bool is_connection_failure(ErrorKind kind);
// Whether nothing came, or not all of it, in the time for it, once the connection stood or the
// attempt as a whole was over.
[[nodiscard]] bool is_timeout_of_response(ErrorKind kind);

// `random` in [0, 1) picks a point between nothing and all of the wait (full jitter), so that
// clients that failed together do not come back together.
[[nodiscard]] RetryDecision decide_retry(const RetryPolicy& policy, HttpMethod method,
                                         const AttemptFailure& failure, const AttemptsSoFar& so_far,
                                         double random);

// The wait after the `count`th failure, from 1, with nothing else to be considered.
[[nodiscard]] std::chrono::nanoseconds backoff(const RetryPolicy& policy, int count, double random);

// A task whose handler can keep it elsewhere does not wait longer than this in the processor.
inline constexpr Seconds kLongestWaitInProcessor{60};

// Whether a wait between two attempts may be longer than that.
[[nodiscard]] bool may_wait_long(const RetryPolicy& policy);

}  // namespace patient_http::engine
