#include "jobs/store_reporter.h"

#include <gtest/gtest.h>

#include <vector>

namespace patient_http::jobs {
namespace {

using namespace std::chrono_literals;

class StoreReporterTest : public testing::Test {
 protected:
  void fail(const std::string& step, std::chrono::seconds after) {
    reporter_.failed(step, {StoreFailure::Kind::kUnavailable, "refused"}, start_ + after);
  }
  void succeed(const std::string& step, std::chrono::seconds after) {
    reporter_.succeeded(step, start_ + after);
  }

  const StoreReporter::TimePoint start_ = std::chrono::steady_clock::now();
  std::vector<std::string> logged_;
  StoreReporter reporter_{
      Log([this](LogLevel, std::string_view message) { logged_.emplace_back(message); })};
};

TEST_F(StoreReporterTest, SaysOnceThatTheStoreIsDownAndOnceThatItIsBack) {
  for (int second = 0; second < 120; ++second) {
    fail("claim jobs", std::chrono::seconds(second));
    fail("heartbeat", std::chrono::seconds(second));
  }
  EXPECT_TRUE(reporter_.is_down());
  succeed("heartbeat", 120s);
  succeed("claim jobs", 120s);
  succeed("claim jobs", 121s);
  EXPECT_FALSE(reporter_.is_down());
  EXPECT_EQ(logged_,
            (std::vector<std::string>{"claim jobs: the store is down, trying again: refused",
                                      "claim jobs: the store is back after 120 s"}));
}

TEST_F(StoreReporterTest, RemindsOfAnOutageEveryFiveMinutes) {
  for (int second = 0; second < 3600; ++second) fail("claim jobs", std::chrono::seconds(second));
  ASSERT_EQ(logged_.size(), 12U);
  EXPECT_EQ(logged_[1], "claim jobs: the store is down for 300 s: refused");
  EXPECT_EQ(logged_[11], "claim jobs: the store is down for 3300 s: refused");
}

// A full disk can be read: one step succeeds while another fails.
TEST_F(StoreReporterTest, TakesTheStoreForDownUntilEachStepThatFailedSucceeds) {
  fail("complete a request", 0s);
  succeed("claim jobs", 1s);
  EXPECT_TRUE(reporter_.is_down());
  reporter_.gave_up("complete a request");
  EXPECT_FALSE(reporter_.is_down());
}

TEST_F(StoreReporterTest, SaysLittleOfAStoreThatComesAndGoes) {
  for (int second = 0; second < 20; ++second) {
    fail("claim jobs", std::chrono::seconds(second));
    succeed("claim jobs", std::chrono::seconds(second));
  }
  EXPECT_EQ(logged_.size(), 4U);  // two outages of the twenty
}

TEST_F(StoreReporterTest, KeepsTheLastFailureAfterTheStoreIsBack) {
  EXPECT_FALSE(reporter_.last_failure());
  fail("claim jobs", 0s);
  succeed("claim jobs", 1s);
  ASSERT_TRUE(reporter_.last_failure());
  EXPECT_EQ(reporter_.last_failure()->text, "claim jobs: refused");
  EXPECT_LT(std::chrono::system_clock::now() - reporter_.last_failure()->time, 1min);
  const auto lines = logged_.size();
  reporter_.refused("complete a request", {StoreFailure::Kind::kMisuse, std::string(1000, 'x')});
  EXPECT_EQ(reporter_.last_failure()->text, "complete a request: " + std::string(480, 'x'));
  EXPECT_EQ(logged_.size(), lines) << "its caller says it";
}

TEST_F(StoreReporterTest, LogsFailuresOfOtherKindsEachTime) {
  for (int i = 0; i < 3; ++i)
    reporter_.failed("heartbeat", {StoreFailure::Kind::kMisuse, "newer schema"});
  EXPECT_EQ(logged_, std::vector<std::string>(3, "heartbeat: newer schema"));
  EXPECT_FALSE(reporter_.is_down());
}

}  // namespace
}  // namespace patient_http::jobs
