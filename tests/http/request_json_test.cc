#include <gtest/gtest.h>

#include "patient_http/request.h"

namespace patient_http {
namespace {

Result<Request, InvalidValue> read(std::string_view members) {
  return Request::from_json(
      *Json::parse(R"({"http_method":"post","url":"http://h/x")" + std::string(members) + "}"));
}

std::string refusal(std::string_view members) {
  const auto request = read(members);
  return request ? "accepted" : request.error().message();
}

TEST(RequestJsonTest, ComesBackAsItWasWritten) {
  const std::string text =
      R"({"http_method":"post","url":"http://h/x?a=1&p=1","headers":{"authorization":)"
      R"({"$secret":"t"},"x":null,"y":["a","b"]},"body":{"encoding":"binary","value":"AP8=",)"
      R"("charset":"ASCII-8BIT"},"timeout":2.50,"max_redirects":0,"secret_params":{"key":)"
      R"({"$secret":"t"}},"preprocessors":["sign"]})";
  const auto request = Request::from_json(*Json::parse(text));
  ASSERT_TRUE(request.has_value()) << request.error().message();
  EXPECT_EQ(request->to_json().dump(), text);
  EXPECT_EQ(request->body(), std::string("\0\xff", 2));
  EXPECT_EQ(Request::from_json(request->to_json()), request);
}

TEST(RequestJsonTest, TakesMissingMembersAndIgnoresUnknownOnes) {
  const auto request = read(R"(,"later":{"version":2})");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->to_json().dump(),
            R"({"http_method":"post","url":"http://h/x","headers":{},"body":null,"timeout":null,)"
            R"("max_redirects":null})");
}

TEST(RequestJsonTest, ReadsHeaderValuesThatRubyLetsThrough) {
  const auto request = read(R"(,"headers":{"X-Int":5,"x-bool":true})");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->headers().get("x-int"), "5");
  EXPECT_EQ(request->headers().get("x-bool"), "true");
}

TEST(RequestJsonTest, KeepsTheFormOfABodyThatItWouldWriteOtherwise) {
  // Text in another charset, as the gem writes it.
  const std::string body = R"({"encoding":"text","value":"é","charset":"UTF-8"})";
  const auto request =
      read(R"(,"headers":{"content-type":"text/plain; charset=iso-8859-1"},"body":)" + body);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->body(), "\xc3\xa9");
  EXPECT_EQ(request->to_json().find("body")->dump(), body);
}

TEST(RequestJsonTest, IsEqualWhateverTheFormOfTheBody) {
  const std::string type = R"(,"headers":{"content-type":"text/plain"},"body":)";
  const auto text = read(type + R"({"encoding":"text","value":"a","charset":"UTF-8"})");
  const auto binary = read(type + R"({"encoding":"binary","value":"YQ==","charset":"UTF-8"})");
  EXPECT_EQ(*text, *binary);
}

TEST(RequestJsonTest, RemembersThatAStrangerMadeTheUrl) {
  const auto untrusted = read(R"(,"untrusted":true)");
  ASSERT_TRUE(untrusted.has_value());
  EXPECT_TRUE(untrusted->is_untrusted());
  EXPECT_EQ(*Request::from_json(untrusted->to_json()), *untrusted);
  const auto plain = read("");
  EXPECT_FALSE(plain->is_untrusted());
  EXPECT_EQ(plain->to_json().find("untrusted"), nullptr);
  EXPECT_NE(*plain, *untrusted);
  EXPECT_EQ(*read(R"(,"untrusted":false)"), *plain);
  EXPECT_EQ(*read(R"(,"untrusted":null)"), *plain);
  // It may have been meant to be true.
  EXPECT_EQ(refusal(R"(,"untrusted":"true")"), "untrusted must be true or false, got string");
}

TEST(RequestJsonTest, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(refusal(R"(,"timeout":"7")"),
            "timeout must be a number of seconds or null, got string");
  EXPECT_EQ(refusal(R"(,"timeout":-1)"), "timeout must be greater than 0, got -1.0");
  EXPECT_EQ(refusal(R"(,"max_redirects":1.5)"),
            "max_redirects must be an integer of 0 or more, got 1.5");
  EXPECT_EQ(refusal(R"(,"max_redirects":-1)"),
            "max_redirects must be an integer of 0 or more, got -1");
  EXPECT_THAT(refusal(R"(,"headers":{"x":"a\nb"})"), testing::StartsWith("headers.x must not"));
  EXPECT_EQ(refusal(R"(,"secret_params":{"k":"plain"})"), "secret_params.k must be a secret");
  EXPECT_EQ(refusal(R"(,"preprocessors":[1])"),
            "preprocessors must be an array of texts, got integer");
  EXPECT_THAT(refusal(R"(,"body":{"encoding":"nope","value":"s3cret"})"),
              testing::AllOf(testing::StartsWith("body must have the encoding"),
                             testing::Not(testing::HasSubstr("s3cret"))));
  EXPECT_EQ(Request::from_json(Json("x")).error().message(),
            "request must be an object, got string");
  EXPECT_THAT(Request::from_json(*Json::parse(R"({"http_method":"head","url":"http://h"})"))
                  .error()
                  .message(),
              testing::StartsWith("http_method must be one of"));
}

}  // namespace
}  // namespace patient_http
