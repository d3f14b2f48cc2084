#include "engine/retry_policy.h"

#include <gtest/gtest.h>

namespace patient_http::engine {
namespace {

using namespace std::chrono_literals;

const ProcessorOptions kOptions{
    .retries = 3, .retry_delay = Seconds{1}, .longest_retry_delay = Seconds{3}};

std::optional<std::chrono::nanoseconds> delay(HttpMethod method, ErrorKind kind, int attempts,
                                              double random = 0) {
  return next_attempt_delay(kOptions, method, kind, attempts, random);
}

TEST(RetryPolicyTest, CountsResendsAfterTheFirstAttempt) {
  // The gem's `retries: 3` are three attempts in all.
  EXPECT_TRUE(delay(HttpMethod::kGet, ErrorKind::kReset, 1).has_value());
  EXPECT_TRUE(delay(HttpMethod::kGet, ErrorKind::kReset, 3).has_value());
  EXPECT_FALSE(delay(HttpMethod::kGet, ErrorKind::kReset, 4).has_value());
}

TEST(RetryPolicyTest, DoublesTheDelayUpToTheLongest) {
  EXPECT_EQ(delay(HttpMethod::kGet, ErrorKind::kReset, 1), 500ms);
  EXPECT_EQ(delay(HttpMethod::kGet, ErrorKind::kReset, 2), 1s);
  EXPECT_EQ(delay(HttpMethod::kGet, ErrorKind::kReset, 3), 1500ms);
}

TEST(RetryPolicyTest, PicksAPointInTheUpperHalfOfTheDelay) {
  EXPECT_EQ(delay(HttpMethod::kGet, ErrorKind::kReset, 1, 0.5), 750ms);
  EXPECT_LT(*delay(HttpMethod::kGet, ErrorKind::kReset, 1, 0.999), 1s);
}

TEST(RetryPolicyTest, SurvivesAnyNumberOfAttempts) {
  ProcessorOptions many = kOptions;
  many.retries = std::numeric_limits<int>::max();
  EXPECT_EQ(next_attempt_delay(many, HttpMethod::kGet, ErrorKind::kReset,
                               std::numeric_limits<int>::max(), 0),
            1500ms);
}

TEST(RetryPolicyTest, ResendsIdempotentMethodsOnly) {
  for (const HttpMethod method : {HttpMethod::kGet, HttpMethod::kPut, HttpMethod::kDelete}) {
    EXPECT_TRUE(delay(method, ErrorKind::kRefused, 1).has_value());
  }
  for (const HttpMethod method : {HttpMethod::kPost, HttpMethod::kPatch}) {
    EXPECT_FALSE(delay(method, ErrorKind::kRefused, 1).has_value());
  }
}

TEST(RetryPolicyTest, ResendsAfterFailuresOfTheConnectionOnly) {
  for (const ErrorKind kind :
       {ErrorKind::kResolve, ErrorKind::kResolveTimeout, ErrorKind::kConnectTimeout,
        ErrorKind::kRefused, ErrorKind::kUnreachable, ErrorKind::kReset, ErrorKind::kClosed,
        ErrorKind::kConnection}) {
    EXPECT_TRUE(is_connection_failure(kind)) << to_string(kind);
  }
  for (const ErrorKind kind :
       {ErrorKind::kFirstByteTimeout, ErrorKind::kIdleTimeout, ErrorKind::kTotalTimeout,
        ErrorKind::kTls, ErrorKind::kTlsCertificate, ErrorKind::kProtocol, ErrorKind::kDecode,
        ErrorKind::kResponseTooLarge, ErrorKind::kHeadersTooLarge, ErrorKind::kTooManyRedirects,
        ErrorKind::kSecretNotFound, ErrorKind::kCancelled, ErrorKind::kHttpStatus}) {
    EXPECT_FALSE(is_connection_failure(kind)) << to_string(kind);
    EXPECT_FALSE(delay(HttpMethod::kGet, kind, 1).has_value()) << to_string(kind);
  }
}

TEST(RetryPolicyTest, ResendsNothingWithoutRetries) {
  EXPECT_FALSE(next_attempt_delay({.retries = 0}, HttpMethod::kGet, ErrorKind::kRefused, 1, 0));
}

}  // namespace
}  // namespace patient_http::engine
