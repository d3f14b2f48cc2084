#include "patient_http/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/json_text.h"

namespace patient_http {
namespace {

std::string round_trip(std::string_view text) {
  const auto json = Json::parse(text);
  return json ? json->dump() : json.error().message;
}

TEST(JsonTest, KeepsNumbersAsTheyWereWritten) {
  for (const char* text : {"0", "-1", "30.50", "1180591620717411303424", "3.05E1", "1e-7",
                           "0.1000000000000000055511151231257827"}) {
    EXPECT_EQ(round_trip(text), text);
  }
}

TEST(JsonTest, KeepsTheOrderOfMembersAndTheLastOfDoubledKeys) {
  EXPECT_EQ(round_trip(R"({"b":1,"a":2,"b":3})"), R"({"b":3,"a":2})");
  std::string many = "{";
  for (int i = 0; i < 40; ++i)
    many += "\"k" + std::to_string(i % 20) + "\":" + std::to_string(i) + ",";
  many.back() = '}';
  const auto json = Json::parse(many);
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(json->if_object()->size(), 20U);
  EXPECT_EQ(json->find("k3")->to_int64(), 23);
}

TEST(JsonTest, KeepsEmptyArraysAndObjectsApart) {
  EXPECT_EQ(round_trip("[{},[],[{}],{\"a\":[]}]"), "[{},[],[{}],{\"a\":[]}]");
}

TEST(JsonTest, WritesStringsAsRubyDoes) {
  EXPECT_EQ(round_trip(R"("\u00e9\u2603<>&\/\u2028")"), "\"\xc3\xa9\xe2\x98\x83<>&/\xe2\x80\xa8\"");
  EXPECT_EQ(round_trip(R"("\u0000\u001f\b\f\n\r\t\"\\\u007f")"),
            "\"\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\\x7f\"");
}

TEST(JsonTest, WritesFloatsAsRubyDoes) {
  EXPECT_EQ(base::ruby_float(30), "30.0");
  EXPECT_EQ(base::ruby_float(0.0001), "0.0001");
  EXPECT_EQ(base::ruby_float(0.00001), "1.0e-05");
  EXPECT_EQ(base::ruby_float(123456789012345.6), "123456789012345.6");
  EXPECT_EQ(base::ruby_float(1e15), "1.0e+15");
  EXPECT_EQ(base::ruby_float(1.25e100), "1.25e+100");
  EXPECT_EQ(base::ruby_float(-0.0), "-0.0");
  EXPECT_EQ(base::ruby_float(0.1), "0.1");
  EXPECT_EQ(base::ruby_float(-1234.5), "-1234.5");
  EXPECT_EQ(base::ruby_float(std::numeric_limits<double>::denorm_min()), "5.0e-324");
}

TEST(JsonTest, RefusesNumbersThatJsonCannotExpress) {
  EXPECT_THROW(Json(std::nan("")), std::invalid_argument);
  // In a variable: clang takes the expression for a declaration.
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THROW(Json{infinity}, std::invalid_argument);
}

TEST(JsonTest, NamesThePlaceOfAnError) {
  EXPECT_EQ(round_trip("[1,]").substr(0, 25), "invalid JSON at byte 3: s");
  EXPECT_EQ(round_trip("{\"a\":"), "invalid JSON: it ends too early, after 5 bytes");
  EXPECT_EQ(round_trip(""), "invalid JSON: it ends too early, after 0 bytes");
  EXPECT_EQ(round_trip("1 2").substr(0, 20), "invalid JSON at byte");
  EXPECT_EQ(round_trip("\"\xff\"").substr(0, 20), "invalid JSON at byte");
}

TEST(JsonTest, RefusesNestingDeeperThanRubyDoes) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(Json::parse(nested(100)).has_value());
  EXPECT_FALSE(Json::parse(nested(101)).has_value());
  EXPECT_FALSE(Json::parse(nested(1'000'000)).has_value());
}

TEST(JsonTest, ReadsValuesByType) {
  const auto json =
      Json::parse(R"({"i":-7,"f":1.5,"s":"x","t":true,"n":null,"big":99999999999999999999})");
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(json->find("i")->to_int64(), -7);
  EXPECT_EQ(json->find("f")->to_int64(), std::nullopt);
  EXPECT_EQ(json->find("f")->to_double(), 1.5);
  EXPECT_EQ(*json->find("s")->if_string(), "x");
  EXPECT_TRUE(*json->find("t")->if_bool());
  EXPECT_TRUE(json->find("n")->is_null());
  EXPECT_TRUE(json->find("big")->is_integer());
  EXPECT_EQ(json->find("big")->to_int64(), std::nullopt);
  EXPECT_EQ(json->find("zip"), nullptr);
  EXPECT_EQ(json->type_name(), "object");
}

TEST(JsonTest, BuildsValuesFromCpp) {
  Json json = Json::object({{"a", 1}, {"b", Json::array({true, nullptr, 1.5, "x"})}});
  json.set("c", std::int64_t{9007199254740993});
  json.set("a", "replaced");
  EXPECT_EQ(json.dump(), R"({"a":"replaced","b":[true,null,1.5,"x"],"c":9007199254740993})");
}

}  // namespace
}  // namespace patient_http
