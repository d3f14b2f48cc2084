#include "patient_http/outgoing_request.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace patient_http {
namespace {

using Headers = std::vector<OutgoingRequest::Header>;

const std::optional<std::string> kBody = "the body";
const std::optional<std::string> kNoBody;

TEST(OutgoingRequestTest, ShowsWhatIsSent) {
  const OutgoingRequest request(HttpMethod::kPut, "http://h/p?q=1", kBody, {{"a", "1"}});
  EXPECT_EQ(request.method(), HttpMethod::kPut);
  EXPECT_EQ(request.url(), "http://h/p?q=1");
  EXPECT_EQ(request.body(), "the body");
  EXPECT_EQ(request.header("A"), "1");
  EXPECT_EQ(request.header("b"), std::nullopt);
}

TEST(OutgoingRequestTest, ReplacesHeadersInTheirPlaceWithoutCase) {
  OutgoingRequest request(HttpMethod::kGet, "http://h/", kNoBody,
                          {{"a", "1"}, {"b", "2"}, {"a", "3"}, {"c", "4"}, {"a", "5"}});
  request.set_header("A", "6");
  request.set_header("X-New", "7");
  EXPECT_EQ(request.headers(), (Headers{{"a", "6"}, {"b", "2"}, {"c", "4"}, {"x-new", "7"}}));
}

TEST(OutgoingRequestTest, RemovesAllLinesOfAHeader) {
  OutgoingRequest request(HttpMethod::kGet, "http://h/", kNoBody,
                          {{"a", "1"}, {"b", "2"}, {"a", "3"}});
  EXPECT_TRUE(request.remove_header("A"));
  EXPECT_FALSE(request.remove_header("A"));
  EXPECT_EQ(request.headers(), (Headers{{"b", "2"}}));
}

TEST(OutgoingRequestTest, TakesAValueFromAnotherHeader) {
  OutgoingRequest request(HttpMethod::kGet, "http://h/", kNoBody, {{"a", "a long enough value"}});
  for (int i = 0; i < 20; ++i) request.set_header("b" + std::to_string(i), *request.header("a"));
  request.set_header("a", request.header("a")->substr(2));
  EXPECT_EQ(request.header("a"), "long enough value");
  EXPECT_EQ(request.header("b19"), "a long enough value");
  EXPECT_EQ(request.headers().size(), 21U);
}

TEST(OutgoingRequestTest, RefusesWhatCannotBeSent) {
  OutgoingRequest request(HttpMethod::kGet, "http://h/", kNoBody, {{"a", "1"}});
  for (const std::string name : {"", "a b", "a:", "\xc3\xa9", "a\r\nb"}) {
    EXPECT_THROW(request.set_header(name, "v"), std::invalid_argument) << name;
  }
  using namespace std::string_literals;
  for (const std::string& value : {"a\r\nb: c"s, "a\nb"s, "a\0b"s, "\x7f"s, "\x1b[0m"s}) {
    EXPECT_THROW(request.set_header("a", value), std::invalid_argument);
    try {
      request.set_header("x-key", "hidden" + value);
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("x-key"));
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("hidden")));
    }
  }
  request.set_header("a", "tab\tand \xc3\xa9");
  EXPECT_EQ(request.headers(), (Headers{{"a", "tab\tand \xc3\xa9"}}));
}

TEST(OutgoingRequestTest, AppendsParamsFormEncodedWithOrWithoutAQuery) {
  const auto with_params = [](const std::string& url) {
    OutgoingRequest request(HttpMethod::kGet, url, kNoBody, {});
    request.add_param("a b", "c&d=\xc3\xa9\r\n");
    request.add_param("e", "");
    return request.url();
  };
  EXPECT_EQ(with_params("http://h/p"), "http://h/p?a+b=c%26d%3D%C3%A9%0D%0A&e=");
  EXPECT_EQ(with_params("http://h/p?q=1"), "http://h/p?q=1&a+b=c%26d%3D%C3%A9%0D%0A&e=");
  EXPECT_EQ(with_params("http://h/p?"), "http://h/p?a+b=c%26d%3D%C3%A9%0D%0A&e=");
  EXPECT_EQ(with_params("http://h"), "http://h?a+b=c%26d%3D%C3%A9%0D%0A&e=");
}

TEST(OutgoingRequestTest, AppendsItsOwnUrlAsAParam) {
  OutgoingRequest request(HttpMethod::kGet, "http://host.example/path", kNoBody, {});
  request.add_param("u", request.url());
  EXPECT_EQ(request.url(), "http://host.example/path?u=http%3A%2F%2Fhost.example%2Fpath");
}

TEST(OutgoingRequestTest, HidesQueryCredentialsValuesAndBodyInItsText) {
  const OutgoingRequest request(HttpMethod::kPost, "http://user:pass@h/p?key=secret", kBody,
                                {{"authorization", "Bearer t"}, {"x-a", "hidden"}});
  EXPECT_EQ(request.to_string(), "POST http://h/p (headers: authorization, x-a; body: 8 bytes)");
  EXPECT_EQ(OutgoingRequest(HttpMethod::kGet, "http://h/", kNoBody, {}).to_string(),
            "GET http://h/ (headers: ; body: 0 bytes)");
}

}  // namespace
}  // namespace patient_http
