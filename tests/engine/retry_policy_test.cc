#include "engine/retry_policy.h"

#include <gtest/gtest.h>

#include <limits>

namespace patient_http::engine {
namespace {

using namespace std::chrono_literals;

const RetryPolicy kPolicy{.retries = 3,
                          .on = {.timeout = true, .statuses = {408, 429, 503, 504}},
                          .delay = Seconds{1},
                          .longest_delay = Seconds{3},
                          .max_retry_after = Seconds{60}};

const AttemptFailure kReset{.kind = ErrorKind::kReset, .bytes_left = true, .is_repeatable = true};

std::optional<std::chrono::nanoseconds> delay(const AttemptFailure& failure, int attempts = 1,
                                              double random = 0.5) {
  return decide_retry(kPolicy, HttpMethod::kPost, failure, {.count = attempts}, random).delay;
}

AttemptFailure status(int code, bool is_repeatable) {
  return {.kind = ErrorKind::kHttpStatus,
          .status = code,
          .bytes_left = true,
          .is_repeatable = is_repeatable};
}

TEST(RetryPolicyTest, CountsResendsAfterTheFirstAttempt) {
  // The gem's `retries: 3` are three attempts in all.
  EXPECT_TRUE(delay(kReset, 1).has_value());
  EXPECT_TRUE(delay(kReset, 3).has_value());
  EXPECT_FALSE(delay(kReset, 4).has_value());
}

TEST(RetryPolicyTest, DoublesTheWaitUpToTheLongest) {
  EXPECT_EQ(delay(kReset, 1), 500ms);
  EXPECT_EQ(delay(kReset, 2), 1s);
  EXPECT_EQ(delay(kReset, 3), 1500ms);
}

TEST(RetryPolicyTest, PicksAnyPointOfTheWait) {
  EXPECT_EQ(delay(kReset, 1, 0), 0ns);
  EXPECT_EQ(delay(kReset, 1, 0.25), 250ms);
  EXPECT_LT(*delay(kReset, 1, 0.999), 1s);
}

TEST(RetryPolicyTest, SurvivesAnyNumberOfAttempts) {
  RetryPolicy many = kPolicy;
  many.retries = std::numeric_limits<int>::max();
  EXPECT_EQ(
      decide_retry(many, HttpMethod::kGet, kReset, {.count = std::numeric_limits<int>::max()}, 0.5)
          .delay,
      1500ms);
}

TEST(RetryPolicyTest, TakesAWaitThatNoClockHoldsForAVeryLongOne) {
  // In nanoseconds it became a negative one: attempt followed attempt.
  RetryPolicy patient = kPolicy;
  patient.delay = patient.longest_delay = patient.max_retry_after = Seconds{1e12};
  EXPECT_GE(decide_retry(patient, HttpMethod::kGet, kReset, {.count = 1}, 0.5).delay, 24h * 364);
  EXPECT_GE(backoff(patient, 30, 0.5), 24h * 364);
  AttemptFailure busy = status(503, true);
  busy.retry_after = Seconds{1e12};
  EXPECT_GE(decide_retry(patient, HttpMethod::kGet, busy, {.count = 1}, 0).delay, 24h * 364);
}

TEST(RetryPolicyTest, SendsAnythingAgainOfWhichNoByteLeft) {
  for (const ErrorKind kind : {ErrorKind::kRefused, ErrorKind::kResolve, ErrorKind::kReset,
                               ErrorKind::kConnectTimeout, ErrorKind::kTotalTimeout}) {
    EXPECT_TRUE(delay({.kind = kind, .bytes_left = false, .is_repeatable = false}).has_value())
        << to_string(kind);
  }
}

TEST(RetryPolicyTest, DoesNotRepeatWhatMayHaveBeenCarriedOut) {
  for (const ErrorKind kind :
       {ErrorKind::kReset, ErrorKind::kClosed, ErrorKind::kConnection, ErrorKind::kFirstByteTimeout,
        ErrorKind::kIdleTimeout, ErrorKind::kThroughputTimeout, ErrorKind::kTotalTimeout,
        ErrorKind::kBodyMemory}) {
    const AttemptFailure failure{.kind = kind, .bytes_left = true, .is_repeatable = false};
    const RetryDecision decision =
        decide_retry(kPolicy, HttpMethod::kPatch, failure, {.count = 1}, 0.5);
    EXPECT_FALSE(decision.delay.has_value()) << to_string(kind);
    EXPECT_EQ(decision.refusal,
              "not sent again: the request may have been carried out, and PATCH is not idempotent; "
              "an idempotency_key or retry.idempotent would allow it");
    AttemptFailure repeatable = failure;
    repeatable.is_repeatable = true;
    EXPECT_TRUE(delay(repeatable).has_value()) << to_string(kind);
  }
}

TEST(RetryPolicyTest, TakesTheServersWordThatItDidNothing) {
  EXPECT_TRUE(delay(status(429, false)).has_value());
  EXPECT_TRUE(delay(status(503, false)).has_value());
  for (const int gateway : {408, 504}) {
    EXPECT_FALSE(delay(status(gateway, false)).has_value()) << gateway;
    EXPECT_TRUE(delay(status(gateway, true)).has_value()) << gateway;
  }
}

TEST(RetryPolicyTest, SendsAgainOnlyAfterWhatIsNamed) {
  const RetryPolicy none{.on = RetryOn::nothing()};
  const RetryPolicy usual;
  const auto decide = [](const RetryPolicy& policy, const AttemptFailure& failure) {
    return decide_retry(policy, HttpMethod::kGet, failure, {.count = 1}, 0.5);
  };
  const AttemptFailure timeout{.kind = ErrorKind::kTotalTimeout, .is_repeatable = true};
  EXPECT_TRUE(decide(usual, kReset).delay.has_value());
  for (const auto& [policy, failure] :
       {std::pair(none, kReset), std::pair(none, timeout), std::pair(usual, timeout),
        std::pair(none, status(503, true)), std::pair(usual, status(503, true)),
        std::pair(kPolicy, status(500, true))}) {
    const RetryDecision decision = decide(policy, failure);
    EXPECT_FALSE(decision.delay.has_value());
    EXPECT_EQ(decision.refusal, "");
  }
}

TEST(RetryPolicyTest, TellsTheKindsOfFailuresApart) {
  for (const ErrorKind kind :
       {ErrorKind::kResolve, ErrorKind::kResolveTimeout, ErrorKind::kConnectTimeout,
        ErrorKind::kRefused, ErrorKind::kUnreachable, ErrorKind::kReset, ErrorKind::kClosed,
        ErrorKind::kConnection}) {
    EXPECT_TRUE(is_connection_failure(kind)) << to_string(kind);
    EXPECT_FALSE(is_timeout_of_response(kind)) << to_string(kind);
  }
  for (const ErrorKind kind :
       {ErrorKind::kTls, ErrorKind::kTlsCertificate, ErrorKind::kProtocol, ErrorKind::kDecode,
        ErrorKind::kResponseTooLarge, ErrorKind::kHeadersTooLarge, ErrorKind::kTooManyRedirects,
        ErrorKind::kSecretNotFound, ErrorKind::kCancelled, ErrorKind::kUnknown}) {
    EXPECT_FALSE(is_connection_failure(kind)) << to_string(kind);
    EXPECT_FALSE(is_timeout_of_response(kind)) << to_string(kind);
    EXPECT_FALSE(delay({.kind = kind, .is_repeatable = true}).has_value()) << to_string(kind);
  }
}

TEST(RetryPolicyTest, NeverComesBackBeforeTheTimeThatTheServerAsksFor) {
  AttemptFailure busy = status(503, false);
  busy.retry_after = Seconds{60};
  EXPECT_EQ(delay(busy, 1, 0), 60s);
  EXPECT_EQ(delay(busy, 1, 0.5), 60s + 500ms);
  busy.retry_after = Seconds{0};
  EXPECT_EQ(delay(busy, 1, 0), 0s);
}

TEST(RetryPolicyTest, EndsWhereTheServerAsksForMoreThanTheUserWouldWait) {
  AttemptFailure busy = status(503, false);
  busy.retry_after = Seconds{61};
  const RetryDecision decision = decide_retry(kPolicy, HttpMethod::kGet, busy, {.count = 1}, 0);
  EXPECT_FALSE(decision.delay.has_value());
  EXPECT_EQ(decision.refusal,
            "not sent again: the server asks for 61.0 s, longer than max_retry_after");
}

TEST(RetryPolicyTest, EndsWhenTheNextAttemptWouldBeginTooLate) {
  RetryPolicy brief = kPolicy;
  brief.max_time = Seconds{10};
  const auto after = [&](double seconds) {
    return decide_retry(brief, HttpMethod::kGet, kReset, {.count = 1, .time = Seconds{seconds}},
                        0.5);
  };
  EXPECT_TRUE(after(9.4).delay.has_value());
  EXPECT_FALSE(after(9.5).delay.has_value());
  EXPECT_EQ(after(11).refusal, "not sent again: the time for all attempts would be over, 10.0 s");
}

TEST(RetryPolicyTest, TakesTheProcessorsWordWhereTheRequestHasNone) {
  const ProcessorOptions options{.retries = 7,
                                 .retry_on = {.statuses = {503}},
                                 .retry_delay = Seconds{2},
                                 .longest_retry_delay = Seconds{9},
                                 .max_retry_after = Seconds{5},
                                 .max_retry_time = Seconds{50}};
  const auto policy_of = [&](RetryOptions retry) {
    return retry_policy_of(options, *Request::create({.url = "http://h/", .retry = retry}));
  };
  const RetryPolicy plain = policy_of({});
  EXPECT_EQ(plain.retries, 7);
  EXPECT_EQ(plain.on, options.retry_on);
  EXPECT_EQ(plain.delay, Seconds{2});
  EXPECT_EQ(plain.longest_delay, Seconds{9});
  EXPECT_EQ(plain.max_retry_after, Seconds{5});
  EXPECT_EQ(plain.max_time, Seconds{50});
  const RetryPolicy own = policy_of({.retries = 0,
                                     .on = RetryOn::nothing(),
                                     .max_retry_after = Seconds{6},
                                     .max_time = Seconds{60}});
  EXPECT_EQ(own.retries, 0);
  EXPECT_EQ(own.on, RetryOn::nothing());
  EXPECT_EQ(own.max_retry_after, Seconds{6});
  EXPECT_EQ(own.max_time, Seconds{60});
}

TEST(RetryPolicyTest, KnowsHowLongAWaitMayBecome) {
  RetryPolicy policy;
  EXPECT_FALSE(may_wait_long(policy));  // no status, so no Retry-After
  policy.on.statuses = {429};
  EXPECT_TRUE(may_wait_long(policy));
  policy.max_retry_after = Seconds{60};
  EXPECT_FALSE(may_wait_long(policy));
  policy.longest_delay = Seconds{61};
  EXPECT_TRUE(may_wait_long(policy));
  policy.max_time = Seconds{60};
  EXPECT_FALSE(may_wait_long(policy));
}

}  // namespace
}  // namespace patient_http::engine
