#include "jobs/store_patience.h"

#include <gtest/gtest.h>

#include <vector>

namespace patient_http::jobs {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

class StorePatienceTest : public testing::Test {
 protected:
  // A step that fails in this way so often, and succeeds then.
  std::function<StoreResult<int>()> step(StoreFailure::Kind kind, int failures) {
    return [this, kind, failures]() -> StoreResult<int> {
      if (calls_++ < failures) return unexpected(StoreFailure{kind, "down"});
      return 7;
    };
  }

  std::vector<std::string> logged_;
  int calls_ = 0;
  StorePatience patience_{
      Log([this](LogLevel, std::string_view message) { logged_.emplace_back(message); })};
};

TEST_F(StorePatienceTest, TriesAgainUntilTheStoreIsBack) {
  EXPECT_EQ(patience_.repeat<int>("do it", step(StoreFailure::Kind::kUnavailable, 2)), 7);
  EXPECT_EQ(calls_, 3);
  EXPECT_EQ(logged_, (std::vector<std::string>{"do it: the store is down, trying again: down",
                                               "do it: the store is back"}));
}

TEST_F(StorePatienceTest, TriesOnceWhatFailsForGood) {
  EXPECT_FALSE(patience_.repeat<int>("do it", step(StoreFailure::Kind::kMisuse, 1)).has_value());
  EXPECT_EQ(calls_, 1);
}

TEST_F(StorePatienceTest, GivesUpAtTheDeadlineAndWaitsAgainAfterAReset) {
  patience_.give_up_at(steady_clock::now());
  EXPECT_FALSE(
      patience_.repeat<int>("do it", step(StoreFailure::Kind::kUnavailable, 2)).has_value());
  EXPECT_EQ(calls_, 1);
  patience_.reset();
  EXPECT_EQ(patience_.repeat<int>("do it", step(StoreFailure::Kind::kUnavailable, 2)), 7);
}

}  // namespace
}  // namespace patient_http::jobs
