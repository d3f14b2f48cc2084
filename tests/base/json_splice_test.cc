#include "base/json_splice.h"

#include <gtest/gtest.h>

#include "patient_http/json.h"

namespace patient_http::base {
namespace {

std::string with(std::string object, std::string_view key, std::string_view value) {
  set_json_member(object, key, value);
  return object;
}

TEST(JsonSpliceTest, ReplacesOneValueAndLeavesTheRestAsItIs) {
  EXPECT_EQ(with(R"({ "a" : 1.50, "b":[ 1e3 , {"a":2} ],"c":"\u00e9\/" })", "a", "7"),
            R"({ "a" : 7, "b":[ 1e3 , {"a":2} ],"c":"\u00e9\/" })");
  EXPECT_EQ(with(R"({"a":"x","b":{"b":[]},"c":[]})", "b", "null"), R"({"a":"x","b":null,"c":[]})");
  EXPECT_EQ(with(R"({"a":true})", "a", "false"), R"({"a":false})");
}

TEST(JsonSpliceTest, AddsAtTheEndWhatIsNotThere) {
  EXPECT_EQ(with("{}", "a", "1"), R"({"a":1})");
  EXPECT_EQ(with(" { } ", "a", "1"), R"( { "a":1} )");
  EXPECT_EQ(with(R"({"x":{"a":2}} )", "a", "1"), R"({"x":{"a":2},"a":1} )");
}

TEST(JsonSpliceTest, IsNotMisledByWhatStandsInTexts) {
  const std::string tricky = R"({"\"a\":1,":"}\\","b":"\\\",\"a\":3"})";
  EXPECT_EQ(with(tricky, "a", "1"), R"({"\"a\":1,":"}\\","b":"\\\",\"a\":3","a":1})");
  EXPECT_TRUE(Json::parse(with(tricky, "a", "1")).has_value());
}

TEST(JsonSpliceTest, KnowsAKeyHoweverItIsWritten) {
  EXPECT_EQ(with(R"({"\u0061":1})", "a", "2"), R"({"\u0061":2})");
}

TEST(JsonSpliceTest, TakesTheLastOfADoubledKeyAsReadersDo) {
  EXPECT_EQ(find_json_member(R"({"a":1,"a":2})", "a"), "2");
  EXPECT_EQ(with(R"({"a":1,"a":2})", "a", "3"), R"({"a":1,"a":3})");
}

TEST(JsonSpliceTest, FindsTheTextOfAMember) {
  EXPECT_EQ(find_json_member(R"({"n": 12345678901234567890.50 ,"s":"x"})", "n"),
            "12345678901234567890.50");
  EXPECT_EQ(find_json_member(R"({"n":1})", "m"), std::nullopt);
}

}  // namespace
}  // namespace patient_http::base
