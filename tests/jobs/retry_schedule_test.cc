#include "jobs/retry_schedule.h"

#include <gtest/gtest.h>

#include "patient_http/json.h"

namespace patient_http::jobs {
namespace {

using namespace std::chrono_literals;

const std::chrono::system_clock::time_point kNow{1'800'000'000s};
const JobFailure kFailure{"std::runtime_error", "no \"luck\""};

std::chrono::milliseconds wait_of(const NextTry& next) {
  return std::chrono::round<std::chrono::milliseconds>(next.at.value() - kNow);
}

NextTry fails(const std::string& bytes, double random = 0) {
  return next_try(bytes, kFailure, kNow, random);
}

TEST(RetryScheduleTest, NotesTheFirstFailureAsSidekiqDoes) {
  const NextTry next = fails(R"({"retry":true, "args":[1.0,{"a":[]}],"x":"\u00e9"})");
  EXPECT_EQ(next.bytes, R"({"retry":true, "args":[1.0,{"a":[]}],"x":"\u00e9",)"
                        R"("error_message":"no \"luck\"","error_class":"std::runtime_error",)"
                        R"("failed_at":1800000000.0,"retry_count":0})");
  EXPECT_EQ(wait_of(next), 15s);
}

TEST(RetryScheduleTest, CountsOnAndKeepsTheTimeOfTheFirstFailure) {
  const NextTry first = fails(R"({"retry":true})");
  const NextTry second = next_try(first.bytes, {"X", "y"}, kNow + 15s, 0.5);
  EXPECT_EQ(second.bytes, R"({"retry":true,"error_message":"y","error_class":"X",)"
                          R"("failed_at":1800000000.0,"retry_count":1,"retried_at":1800000015.0})");
  EXPECT_EQ(wait_of(second), 15s + 1s + 15s + 10s);
}

TEST(RetryScheduleTest, TriesAgainInTheQueueForRetries) {
  const NextTry next =
      next_try(R"({"queue":"a","retry_queue":"b","retry":true})", {"SomeError", "x"}, kNow, 0);
  EXPECT_NE(next.bytes.find(R"({"queue":"b","retry_queue":"b")"), std::string::npos) << next.bytes;
}

TEST(RetryScheduleTest, WaitsLongerEachTime) {
  EXPECT_EQ(wait_of(fails(R"({"retry":true,"retry_count":9})")), 10015s);
  EXPECT_EQ(wait_of(fails(R"({"retry":true,"retry_count":9})", 0.5)), 10015s + 55s);
}

TEST(RetryScheduleTest, EndsAfterAsManyRetriesAsTheJobSays) {
  EXPECT_TRUE(fails(R"({"retry":true,"retry_count":23})").at);
  EXPECT_FALSE(fails(R"({"retry":true,"retry_count":24})").at);
  EXPECT_TRUE(fails(R"({"retry":3,"retry_count":1})").at);
  EXPECT_FALSE(fails(R"({"retry":3,"retry_count":2})").at);
  EXPECT_FALSE(fails(R"({"retry":0})").at);
  EXPECT_FALSE(fails(R"({"retry":false})").at);
  EXPECT_TRUE(fails("{}").at);
}

TEST(RetryScheduleTest, EndsWhenRetryForIsOver) {
  const std::string job = R"({"retry":true,"retry_count":24,"retry_for":100,"failed_at":)";
  EXPECT_TRUE(fails(job + "1799999901.0}").at);
  EXPECT_FALSE(fails(job + "1799999899.0}").at);
  // As Sidekiq 8 writes it.
  EXPECT_TRUE(fails(job + "1799999901000}").at);
  EXPECT_FALSE(fails(job + "1799999899000}").at);
}

TEST(RetryScheduleTest, KeepsMessagesShortAndValid) {
  const std::string umlauts = [] {
    std::string text = "x";
    for (int i = 0; i < 6000; ++i) text += "\xC3\xA4";
    return text;
  }();
  const auto job = Json::parse(next_try("{}", {"X", umlauts}, kNow, 0).bytes);
  ASSERT_TRUE(job);
  EXPECT_EQ(*job->find("error_message")->if_string(), umlauts.substr(0, 9999));
  EXPECT_TRUE(Json::parse(next_try("{}", {"X", "\xff"}, kNow, 0).bytes).has_value());
}

TEST(RetryScheduleTest, SurvivesNumbersThatMakeNoSense) {
  EXPECT_FALSE(fails(R"({"retry":-1})").at);
  EXPECT_EQ(wait_of(fails(R"({"retry":true,"retry_count":-7})")), 15s);
  EXPECT_FALSE(fails(R"({"retry":true,"retry_count":9223372036854775807})").at);
  EXPECT_LE(wait_of(fails(R"({"retry":1000000,"retry_count":99999})")), 366 * 24h);
}

}  // namespace
}  // namespace patient_http::jobs
