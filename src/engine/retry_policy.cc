#include "engine/retry_policy.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "engine/time_span.h"

namespace patient_http::engine {

namespace {

using std::chrono::nanoseconds;

// With these a server says that it did not carry the request out. After any other status it may
// have: a gateway that gave up waiting answers 504.
bool says_not_carried_out(int status) {
  constexpr int kMisdirected = 421;
  constexpr int kTooEarly = 425;
  constexpr int kTooManyRequests = 429;
  constexpr int kUnavailable = 503;
  return status == kMisdirected || status == kTooEarly || status == kTooManyRequests ||
         status == kUnavailable;
}

bool is_wanted(const RetryOn& on, const AttemptFailure& failure) {
  if (failure.kind == ErrorKind::kHttpStatus) return on.has_status(failure.status);
  return (on.connection && is_connection_failure(failure.kind)) ||
         (on.timeout && is_timeout_of_response(failure.kind));
}

bool may_have_been_carried_out(const AttemptFailure& failure) {
  if (failure.kind == ErrorKind::kHttpStatus) return !says_not_carried_out(failure.status);
  return failure.bytes_left;
}

Seconds backoff_seconds(const RetryPolicy& policy, int count, double random) {
  const Seconds doubled = policy.delay * std::exp2(std::min(count - 1, 30));
  return std::min(doubled, policy.longest_delay) * random;
}

std::string in_seconds(Seconds time) {
  return base::fixed_number(time.count(), 1) + " s";
}

}  // namespace

RetryPolicy retry_policy_of(const ProcessorOptions& options, const Request& request) {
  const RetryOptions& own = request.retry();
  RetryPolicy policy{.retries = own.retries.value_or(options.retries),
                     .on = own.on.value_or(options.retry_on),
                     .delay = options.retry_delay,
                     .longest_delay = options.longest_retry_delay,
                     .max_retry_after = options.max_retry_after,
                     .max_time = options.max_retry_time};
  if (own.max_retry_after) policy.max_retry_after = own.max_retry_after->seconds();
  if (own.max_time) policy.max_time = own.max_time->seconds();
  return policy;
}

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
    case ErrorKind::kBodyMemory:
      return true;
    default:
      return false;
  }
}

bool is_timeout_of_response(ErrorKind kind) {
  return kind == ErrorKind::kFirstByteTimeout || kind == ErrorKind::kIdleTimeout ||
         kind == ErrorKind::kThroughputTimeout || kind == ErrorKind::kTotalTimeout;
}

RetryDecision decide_retry(const RetryPolicy& policy, HttpMethod method,
                           const AttemptFailure& failure, const AttemptsSoFar& so_far,
                           double random) {
  if (so_far.count > policy.retries || !is_wanted(policy.on, failure)) return {};
  if (may_have_been_carried_out(failure) && !failure.is_repeatable) {
    return {std::nullopt,
            "not sent again: the request may have been carried out, and " +
                std::string(to_wire(method)) +
                " is not idempotent; an idempotency_key or retry.idempotent would allow it"};
  }
  const Seconds asked = failure.retry_after.value_or(Seconds{0});
  if (asked > policy.max_retry_after) {
    return {std::nullopt, "not sent again: the server asks for " + in_seconds(asked) +
                              ", longer than max_retry_after"};
  }
  // Never before the time that the server asked for.
  const Seconds wait = asked + backoff_seconds(policy, so_far.count, random);
  if (policy.max_time && so_far.time + wait >= *policy.max_time) {
    return {std::nullopt, "not sent again: the time for all attempts would be over, " +
                              in_seconds(*policy.max_time)};
  }
  return {bounded_span(wait)};
}

nanoseconds backoff(const RetryPolicy& policy, int count, double random) {
  return bounded_span(backoff_seconds(policy, count, random));
}

bool may_wait_long(const RetryPolicy& policy) {
  constexpr Seconds wait = kLongestWaitInProcessor;
  if (policy.retries == 0) return false;
  if (policy.max_time && *policy.max_time <= wait) return false;
  return policy.longest_delay > wait ||
         (!policy.on.statuses.empty() && policy.max_retry_after > wait);
}

}  // namespace patient_http::engine
