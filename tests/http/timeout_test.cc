#include "patient_http/timeout.h"

#include <gtest/gtest.h>

namespace patient_http {
namespace {

using namespace std::chrono_literals;

TEST(TimeoutTest, StaysWholeWhenGivenInWholeSeconds) {
  EXPECT_EQ(Timeout(30s).to_json().dump(), "30");
  EXPECT_EQ(Timeout(2min).to_json().dump(), "120");
}

TEST(TimeoutTest, HasAPointWhenGivenInAnythingElse) {
  EXPECT_EQ(Timeout(Seconds(30)).to_json().dump(), "30.0");
  EXPECT_EQ(Timeout(2500ms).to_json().dump(), "2.5");
  EXPECT_EQ(Timeout(1000ms).to_json().dump(), "1.0");
  EXPECT_EQ(Timeout(0.25s).to_json().dump(), "0.25");
}

}  // namespace
}  // namespace patient_http
