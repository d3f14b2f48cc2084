#include "patient_http/request_template.h"

#include <gtest/gtest.h>

namespace patient_http {
namespace {

using namespace std::chrono_literals;

RequestTemplate make() {
  return *RequestTemplate::create({.base_url = "https://e.com/v1/",
                                   .headers = {{"A", "1"}, {"B", "2"}},
                                   .params = {{"p", "1"}, {"q", "2"}},
                                   .timeout = 9s,
                                   .preprocessors = {"sign"}});
}

TEST(RequestTemplateTest, LaysTheRequestsValuesOverItsOwn) {
  const auto request = make().request({.url = "x",
                                       .headers = {{"b", "3"}},
                                       .params = {{"q", "4"}, {"r", "5"}},
                                       .timeout = 1s,
                                       .preprocessors = {"other"}});
  ASSERT_TRUE(request.has_value()) << request.error().message();
  EXPECT_EQ(request->to_json().dump(),
            R"({"http_method":"get","url":"https://e.com/v1/x?p=1&q=4&r=5","headers":{"a":"1",)"
            R"("b":"3"},"body":null,"timeout":1,"max_redirects":null,"preprocessors":["other"]})");
}

TEST(RequestTemplateTest, LetsNothingComeBackIntoIt) {
  const RequestTemplate shared = make();
  ASSERT_TRUE(shared.request({.url = "x", .headers = {{"c", "3"}}, .params = {{"z", 1}}}));
  const auto next = shared.request({.url = "x"});
  EXPECT_EQ(next->url(), "https://e.com/v1/x?p=1&q=2");
  EXPECT_FALSE(next->headers().contains("c"));
  EXPECT_EQ(next->timeout(), Seconds(9));
}

TEST(RequestTemplateTest, ResolvesPathsAgainstTheBaseUrl) {
  const auto url = [](const char* base, std::string path) {
    return RequestTemplate::create({.base_url = base})->request({.url = std::move(path)})->url();
  };
  EXPECT_EQ(url("https://e.com/v1/", "x"), "https://e.com/v1/x");
  EXPECT_EQ(url("https://e.com/v1", "x"), "https://e.com/x");
  EXPECT_EQ(url("https://e.com/v1/", "/x"), "https://e.com/x");
  EXPECT_EQ(url("https://e.com/v1/", "http://other/z"), "http://other/z");
  EXPECT_EQ(url("https://e.com/v1/", "x?ids[]=1"), "https://e.com/v1/x?ids[]=1");
}

TEST(RequestTemplateTest, WaitsThirtySecondsUnlessToldOtherwise) {
  const auto request = RequestTemplate::create({})->request({.url = "http://h/"});
  EXPECT_EQ(request->to_json().find("timeout")->dump(), "30");
}

TEST(RequestTemplateTest, NeedsAUrlInEachRequestWithoutABaseUrl) {
  const auto shared = RequestTemplate::create({});
  ASSERT_TRUE(shared.has_value());
  EXPECT_TRUE(shared->request({.url = "http://other/z"}).has_value());
  EXPECT_FALSE(shared->request({.url = "/z"}).has_value());
}

TEST(RequestTemplateTest, IsCheckedWhenItIsMade) {
  EXPECT_THAT(RequestTemplate::create({.base_url = "/v1"}).error().message(),
              testing::StartsWith("base_url must be"));
  EXPECT_FALSE(RequestTemplate::create({.headers = {{"a b", "1"}}}).has_value());
  EXPECT_FALSE(RequestTemplate::create({.timeout = 0s}).has_value());
}

TEST(RequestTemplateTest, KeepsTheRulesOfRequests) {
  EXPECT_FALSE(make().request({.url = "x", .body = "b"}).has_value());
  EXPECT_FALSE(make().request({.url = "a b"}).has_value());
}

}  // namespace
}  // namespace patient_http
