#include "patient_http/http_headers.h"

#include <gtest/gtest.h>

namespace patient_http {
namespace {

SecretReference secret(std::string name) {
  return *SecretReference::create(std::move(name));
}

TEST(HttpHeadersTest, ComparesNamesWithoutCase) {
  const HttpHeaders headers{{"Content-Type", "a"}};
  EXPECT_EQ(headers.get("CONTENT-type"), "a");
  EXPECT_TRUE(headers.contains("content-type"));
  EXPECT_EQ(headers.entries().front().name, "content-type");
}

TEST(HttpHeadersTest, KeepsThePlaceOfTheFirstWriteAndTheValueOfTheLast) {
  HttpHeaders headers{{"A", "1"}, {"B", "2"}};
  headers.set("a", "3");
  EXPECT_EQ(headers.to_json().dump(), R"({"a":"3","b":"2"})");
}

TEST(HttpHeadersTest, JoinsRepeatedHeaders) {
  HttpHeaders headers;
  headers.append("Vary", "a");
  headers.append("vary", "b");
  headers.append("Set-Cookie", "a=1; Path=/");
  headers.append("Set-Cookie", "b=2");
  EXPECT_EQ(headers.to_json().dump(), R"({"vary":"a,b","set-cookie":"a=1; Path=/\nb=2"})");
}

TEST(HttpHeadersTest, GivesTextsOnly) {
  const HttpHeaders headers{{"secret", secret("s")},
                            {"many", std::vector<std::string>{"a", "b"}},
                            {"nothing", std::monostate()}};
  EXPECT_EQ(headers.get("secret"), std::nullopt);
  EXPECT_EQ(headers.get("many"), std::nullopt);
  EXPECT_EQ(headers.get("nothing"), std::nullopt);
  EXPECT_EQ(headers.get("missing"), std::nullopt);
  EXPECT_TRUE(headers.contains("nothing"));
  EXPECT_NE(headers.find("secret"), nullptr);
  EXPECT_EQ(headers.to_json().dump(),
            R"({"secret":{"$secret":"s"},"many":["a","b"],"nothing":null})");
}

TEST(HttpHeadersTest, MergesAndLeavesOutInCopies) {
  const HttpHeaders headers{{"a", "1"}, {"b", "2"}};
  EXPECT_EQ(headers.merge({{"B", "3"}, {"c", "4"}}).to_json().dump(),
            R"({"a":"1","b":"3","c":"4"})");
  EXPECT_EQ(headers.except({"B", "missing"}).to_json().dump(), R"({"a":"1"})");
  EXPECT_EQ(headers.size(), 2U);
  HttpHeaders copy = headers;
  EXPECT_TRUE(copy.erase("A"));
  EXPECT_FALSE(copy.erase("A"));
  EXPECT_TRUE(headers.contains("a"));
}

TEST(HttpHeadersTest, ReadsWhatRubyWrites) {
  const auto headers = HttpHeaders::from_json(*Json::parse(
      R"({"X-Int":5,"x-float":1.50,"x-nil":null,"x-bool":true,"x-arr":["a",2],"x-s":{"$secret":"s"}})"));
  ASSERT_TRUE(headers.has_value());
  EXPECT_EQ(headers->to_json().dump(),
            R"({"x-int":"5","x-float":"1.50","x-nil":null,"x-bool":"true","x-arr":["a","2"],)"
            R"("x-s":{"$secret":"s"}})");
  EXPECT_TRUE(HttpHeaders::from_json(Json())->empty());
}

TEST(HttpHeadersTest, RefusesWhatIsNoHeaderValue) {
  EXPECT_FALSE(HttpHeaders::from_json(Json("x")).has_value());
  EXPECT_FALSE(HttpHeaders::from_json(*Json::parse(R"({"a":{"b":1}})")).has_value());
  EXPECT_FALSE(HttpHeaders::from_json(*Json::parse(R"({"a":[[1]]})")).has_value());
  EXPECT_FALSE(HttpHeaders::from_json(*Json::parse(R"({"a":{"$secret":""}})")).has_value());
}

TEST(HttpHeadersTest, ValidatesNamesAndValues) {
  EXPECT_TRUE((HttpHeaders{{"x-a", "tab\tand \xc3\xa9"}}.validate().has_value()));
  EXPECT_FALSE((HttpHeaders{{"", "v"}}.validate().has_value()));
  EXPECT_FALSE((HttpHeaders{{"a b", "v"}}.validate().has_value()));
  EXPECT_FALSE((HttpHeaders{{"a:", "v"}}.validate().has_value()));
  EXPECT_FALSE((HttpHeaders{{"a\r\nb", "v"}}.validate().has_value()));
  EXPECT_FALSE((HttpHeaders{{"a", std::string("v\0", 2)}}.validate().has_value()));
  EXPECT_FALSE((HttpHeaders{{"a", std::vector<std::string>{"v", "\n"}}}.validate().has_value()));
}

TEST(HttpHeadersTest, NeverRepeatsAValueInAMessage) {
  const auto invalid = HttpHeaders{{"authorization", "Bearer s3cret\r\nx: y"}}.validate();
  ASSERT_FALSE(invalid.has_value());
  EXPECT_EQ(invalid.error().message(),
            "headers.authorization must not hold line breaks or other control characters");
}

TEST(HttpHeadersTest, ReplacesBytesThatAreNotUtf8) {
  // A Latin-1 byte in a response header costs the callback in the gem.
  EXPECT_EQ((HttpHeaders{{"x", "caf\xe9!"}}.to_json().dump()), "{\"x\":\"caf\xef\xbf\xbd!\"}");
}

}  // namespace
}  // namespace patient_http
