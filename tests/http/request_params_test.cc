#include "http/request_params.h"

#include <gtest/gtest.h>

namespace patient_http::http {
namespace {

std::string encoded(std::string_view json) {
  const auto params = encode_params(*Json::parse(json)->if_object());
  return params ? params->pairs : "refused: " + params.error().message();
}

TEST(RequestParamsTest, FormEncodesThem) {
  EXPECT_EQ(encoded(R"({"a":"1","b":"two words","c":"x&y=z"})"), "a=1&b=two+words&c=x%26y%3Dz");
  EXPECT_EQ(encoded(R"({"é":"☃"})"), "%C3%A9=%E2%98%83");
  EXPECT_EQ(encoded(R"({"":"","x":""})"), "=&x=");
}

TEST(RequestParamsTest, WritesScalarsAsRubyDoes) {
  EXPECT_EQ(encoded(R"({"i":5,"f":1.5,"t":true,"n":false,"big":12345678901234567890,"e":1e+20})"),
            "i=5&f=1.5&t=true&n=false&big=12345678901234567890&e=1.0e%2B20");
}

TEST(RequestParamsTest, RepeatsTheKeyOfAnArrayAndOmitsTheSignOfNull) {
  EXPECT_EQ(encoded(R"({"ids":[1,2,"x y"],"n":null})"), "ids=1&ids=2&ids=x+y&n");
}

TEST(RequestParamsTest, LeavesAnEmptyArrayItsPlace) {
  EXPECT_EQ(encoded(R"({"a":"1","e":[]})"), "a=1&");
}

TEST(RequestParamsTest, KeepsSecretsApart) {
  const auto params =
      encode_params(*Json::parse(R"({"a":"1","k":{"$secret":"api_key"}})")->if_object());
  ASSERT_TRUE(params.has_value());
  EXPECT_EQ(params->pairs, "a=1");
  ASSERT_EQ(params->secrets.size(), 1U);
  EXPECT_EQ(params->secrets[0].first, "k");
  EXPECT_EQ(params->secrets[0].second.name(), "api_key");
}

TEST(RequestParamsTest, NamesWhatItRefuses) {
  EXPECT_THAT(encoded(R"({"a":{"b":1}})"), testing::StartsWith("refused: params.a must be"));
  EXPECT_THAT(encoded(R"({"a":[[1]]})"), testing::StartsWith("refused: params.a must be"));
  EXPECT_THAT(encoded(R"({"a":{"$secret":""}})"), testing::StartsWith("refused: params.a must"));
  const auto bytes = encode_params({{"a", Json("\xff")}});
  EXPECT_EQ(bytes.error().message(), "params.a must be valid UTF-8");
}

}  // namespace
}  // namespace patient_http::http
