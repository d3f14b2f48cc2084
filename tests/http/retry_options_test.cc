#include "patient_http/retry_options.h"

#include <gtest/gtest.h>

#include <cmath>

#include "patient_http/request.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;

Result<Request, InvalidValue> read(std::string_view members) {
  return Request::from_json(
      *Json::parse(R"({"http_method":"post","url":"http://h/x")" + std::string(members) + "}"));
}

std::string refusal(std::string_view members) {
  const auto request = read(members);
  return request ? "accepted" : request.error().message();
}

std::string written(RequestOptions options) {
  options.url = "http://h/";
  const auto request = Request::create(std::move(options));
  if (!request) return request.error().message();
  const std::string text = request->to_json().dump();
  EXPECT_EQ(Request::from_json(*Json::parse(text)), request);
  constexpr std::string_view kGems = R"("max_redirects":null)";
  return text.substr(text.find(kGems) + kGems.size());
}

TEST(RetryOptionsTest, WritesNothingUnlessSomethingIsSet) {
  EXPECT_EQ(written({}), "}");
}

TEST(RetryOptionsTest, WritesWhatIsSetAfterTheFieldsOfTheGem) {
  EXPECT_EQ(
      written({.retry = {.retries = 5,
                         .on = RetryOn{.timeout = true, .statuses = {429, 503}},
                         .max_retry_after = 120s,
                         .max_time = Seconds{0.5},
                         .idempotent = true},
               .idempotency_key = true,
               .on_interrupted = OnInterrupted::kError}),
      R"(,"retry":{"retries":5,"on":["connection","timeout",429,503],"max_retry_after":120,)"
      R"("max_time":0.5,"idempotent":true},"idempotency_key":true,"on_interrupted":"error"})");
  EXPECT_EQ(written({.retry = {.on = RetryOn::nothing()}, .idempotency_key = false}),
            R"(,"retry":{"on":[]},"idempotency_key":false})");
}

TEST(RetryOptionsTest, ReadsNullAsUnset) {
  EXPECT_EQ(read(R"(,"retry":null,"idempotency_key":null,"on_interrupted":null)"), read(""));
  EXPECT_EQ(read(R"(,"retry":{"retries":null,"on":null,"max_time":null,"idempotent":null})"),
            read(""));
}

TEST(RetryOptionsTest, NamesTheFieldThatIsWrong) {
  const std::string causes =
      R"(retry.on must be "connection", "timeout" or statuses from 400 to 599, got )";
  EXPECT_EQ(refusal(R"(,"retry":3)"), "retry must be an object, got 3");
  EXPECT_EQ(refusal(R"(,"retry":{"retries":-1})"),
            "retry.retries must be an integer of 0 or more, got -1");
  EXPECT_EQ(refusal(R"(,"retry":{"retries":1.5})"),
            "retry.retries must be an integer of 0 or more, got 1.5");
  EXPECT_EQ(refusal(R"(,"retry":{"on":"timeout"})"), "retry.on must be an array, got \"timeout\"");
  EXPECT_EQ(refusal(R"(,"retry":{"on":["5xx"]})"), causes + "\"5xx\"");
  EXPECT_EQ(refusal(R"(,"retry":{"on":["503"]})"), causes + "\"503\"");
  EXPECT_EQ(refusal(R"(,"retry":{"on":[200]})"), causes + "200");
  EXPECT_EQ(refusal(R"(,"retry":{"on":[503.5]})"), causes + "503.5");
  EXPECT_EQ(refusal(R"(,"retry":{"max_retry_after":-1})"),
            "retry.max_retry_after must be 0 or more, got -1.000");
  EXPECT_EQ(refusal(R"(,"retry":{"max_time":0})"),
            "retry.max_time must be greater than 0, got 0.000");
  EXPECT_EQ(refusal(R"(,"retry":{"max_time":"1h"})"),
            "retry.max_time must be a number of seconds, got \"1h\"");
  EXPECT_EQ(refusal(R"(,"retry":{"idempotent":1})"),
            "retry.idempotent must be true or false, got 1");
  EXPECT_EQ(refusal(R"(,"idempotency_key":"k")"),
            "idempotency_key must be true or false, got string");
  EXPECT_EQ(refusal(R"(,"on_interrupted":"ignore")"),
            R"(on_interrupted must be "resend" or "error", got "ignore")");
}

TEST(RetryOptionsTest, RefusesInCodeWhatItRefusesInJson) {
  EXPECT_EQ(written({.retry = {.retries = -1}}), "retry.retries must be 0 or more, got -1");
  EXPECT_EQ(written({.retry = {.on = RetryOn{.statuses = {302}}}}),
            R"(retry.on must be "connection", "timeout" or statuses from 400 to 599, got 302)");
  EXPECT_EQ(written({.retry = {.max_time = Seconds{NAN}}}),
            "retry.max_time must be greater than 0, got nan");
}

TEST(RetryOptionsTest, TakesCausesAsWords) {
  RetryOn on = RetryOn::nothing();
  for (const char* word : {"timeout", "503", "429", "503"}) EXPECT_TRUE(on.add(word)) << word;
  EXPECT_EQ(on, (RetryOn{.connection = false, .timeout = true, .statuses = {503, 429}}));
  EXPECT_EQ(on.words(), (std::vector<std::string>{"timeout", "503", "429"}));
  for (const char* word : {"", "all", "399", "600", "+503", "503 ", "99999999999"}) {
    EXPECT_FALSE(on.add(word)) << word;
  }
}

}  // namespace
}  // namespace patient_http
