#include "engine/body_sink.h"

#include <gtest/gtest.h>

#include "drivers/codec/gzip.h"

namespace patient_http::engine {
namespace {

using Problem = BodySink::Problem;

class BodySinkTest : public testing::Test {
 protected:
  BodyBudget budget_{1'000'000, [] {}};
  BodySink sink_{100, budget_};
};

TEST_F(BodySinkTest, JoinsWhatComes) {
  EXPECT_EQ(sink_.begin("", 6), false);
  ASSERT_TRUE(sink_.append("abc").has_value());
  ASSERT_TRUE(sink_.append("def").has_value());
  ASSERT_TRUE(sink_.end().has_value());
  EXPECT_EQ(sink_.wire_bytes(), 6U);
  EXPECT_EQ(budget_.used(), 6U);
  EXPECT_EQ(sink_.take_body(), "abcdef");
}

TEST_F(BodySinkTest, HasNoBodyWhereNothingCame) {
  EXPECT_EQ(sink_.begin("gzip", 0), true);
  EXPECT_TRUE(sink_.end().has_value());
  EXPECT_EQ(sink_.take_body(), std::nullopt);
}

TEST_F(BodySinkTest, RefusesAContentLengthOverTheLimitAtOnce) {
  EXPECT_TRUE(BodySink(100, budget_).begin("", 100).has_value());
  const auto refused = sink_.begin("", 101);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().problem, Problem::kTooLarge);
  EXPECT_EQ(refused.error().message,
            "the response body is larger than max_response_size, 100 bytes");
}

TEST_F(BodySinkTest, TakesExactlyTheLimitAndNoMore) {
  ASSERT_TRUE(sink_.begin("", -1).has_value());
  EXPECT_TRUE(sink_.append(std::string(100, 'x')).has_value());
  const auto refused = sink_.append("x");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().problem, Problem::kTooLarge);
}

TEST_F(BodySinkTest, CountsWhatItInflatesTo) {
  EXPECT_EQ(sink_.begin("GZIP", -1), true);
  ASSERT_TRUE(sink_.append(codec::gzip(std::string(100, 'x'))).has_value());
  ASSERT_TRUE(sink_.end().has_value());
  EXPECT_EQ(budget_.used(), 100U);
  EXPECT_EQ(sink_.take_body(), std::string(100, 'x'));
}

TEST_F(BodySinkTest, InflatesABombNoFurtherThanItsLimit) {
  ASSERT_TRUE(sink_.begin("gzip", -1).has_value());
  const auto refused = sink_.append(codec::gzip(std::string(10'000, 'x')).substr(0, 90));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().problem, Problem::kTooLarge);
  EXPECT_LE(budget_.used(), 100U);
}

TEST_F(BodySinkTest, LeavesBodiesInOtherEncodingsAsTheyAre) {
  EXPECT_EQ(BodySink(100, budget_).begin("gzip, compress", 3), false);
  EXPECT_EQ(BodySink(100, budget_).begin("identity", 3), false);
  EXPECT_EQ(sink_.begin("compress", 3), false);
  ASSERT_TRUE(sink_.append("raw").has_value());
  EXPECT_EQ(sink_.take_body(), "raw");
}

TEST_F(BodySinkTest, UndoesOneEncodingAfterTheOther) {
  EXPECT_EQ(sink_.begin("gzip, GZIP", -1), true);
  ASSERT_TRUE(sink_.append(codec::gzip(codec::gzip("twice"))).has_value());
  ASSERT_TRUE(sink_.end().has_value());
  EXPECT_EQ(sink_.take_body(), "twice");
}

TEST_F(BodySinkTest, TellsBrokenAndCutOffData) {
  BodySink broken(100, budget_);
  ASSERT_TRUE(broken.begin("gzip", -1).has_value());
  EXPECT_EQ(broken.append("not gzip").error().problem, Problem::kUndecodable);
  ASSERT_TRUE(sink_.begin("gzip", -1).has_value());
  ASSERT_TRUE(sink_.append(codec::gzip("some text").substr(0, 12)).has_value());
  EXPECT_EQ(sink_.end().error().problem, Problem::kUndecodable);
}

TEST_F(BodySinkTest, PassesItsChargeOn) {
  BodyCharge charge(budget_);
  {
    BodySink sink(100, budget_);
    ASSERT_TRUE(sink.begin("", -1).has_value());
    ASSERT_TRUE(sink.append("abc").has_value());
    charge = sink.take_charge();
  }
  EXPECT_EQ(budget_.used(), 3U);
  charge.give_back();
  EXPECT_EQ(budget_.used(), 0U);
}

}  // namespace
}  // namespace patient_http::engine
