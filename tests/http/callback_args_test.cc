#include "patient_http/callback_args.h"

#include <gtest/gtest.h>

namespace patient_http {
namespace {

using testing::ElementsAre;

CallbackArgs args() {
  return *CallbackArgs::create(
      Json::object({{"user_id", 5},
                    {"nested", Json::object({{"k", Json::array({1, nullptr})}})},
                    {"nothing", nullptr}}));
}

TEST(CallbackArgsTest, IsAnEmptyObjectWhenThereIsNothing) {
  EXPECT_EQ(CallbackArgs().to_json().dump(), "{}");
  EXPECT_EQ(CallbackArgs::create(Json()), CallbackArgs());
  EXPECT_TRUE(CallbackArgs().empty());
}

TEST(CallbackArgsTest, KeepsItsMembersInOrder) {
  EXPECT_EQ(args().to_json().dump(), R"({"user_id":5,"nested":{"k":[1,null]},"nothing":null})");
  EXPECT_THAT(args().keys(), ElementsAre("user_id", "nested", "nothing"));
  EXPECT_EQ(args().size(), 3U);
}

TEST(CallbackArgsTest, TakesNothingButObjects) {
  for (const Json& other : {Json("text"), Json(1), Json(true), Json(Json::Array())}) {
    const auto refused = CallbackArgs::create(other);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().message(),
              "callback_args must be an object or null, got " + std::string(other.type_name()));
  }
}

TEST(CallbackArgsTest, NamesThePlaceOfWhatIsNotUtf8) {
  // The gem accepts it here and fails when the job is written.
  const auto refused =
      CallbackArgs::create(Json::object({{"a", Json::array({1, Json::object({{"b", "\xff"}})})}}));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message(), "callback_args.a[1].b must be valid UTF-8");
  EXPECT_FALSE(CallbackArgs::create(Json::object({{"\xc3", 1}})).has_value());
}

TEST(CallbackArgsTest, RefusesNestingThatRubyCouldNotRead) {
  Json deep = Json::object({});
  for (int i = 0; i < 100; ++i) deep = Json::object({{"a", deep}});
  EXPECT_FALSE(CallbackArgs::create(deep).has_value());
}

TEST(CallbackArgsTest, ListsTheKeysWhenOneIsMissing) {
  EXPECT_EQ(args().at("user_id"), Json(5));
  EXPECT_EQ(args().at("nothing"), Json());
  EXPECT_EQ(args().at("user").error().message,
            "callback_args has no key \"user\"; there are: user_id, nested, nothing");
  EXPECT_EQ(CallbackArgs().at("x").error().message,
            "callback_args has no key \"x\"; there are none");
}

TEST(CallbackArgsTest, FetchesWithADefault) {
  EXPECT_EQ(args().fetch("user_id", 1), Json(5));
  EXPECT_EQ(args().fetch("missing", 1), Json(1));
  EXPECT_EQ(args().fetch("missing"), Json());
  EXPECT_EQ(args().fetch("nothing", 1), Json());
  EXPECT_TRUE(args().contains("nothing"));
  EXPECT_FALSE(args().contains("missing"));
}

}  // namespace
}  // namespace patient_http
