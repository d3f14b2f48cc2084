#include "daemon/run_line.h"

#include <gtest/gtest.h>

namespace patient_http::daemon {
namespace {

// The secret and the preprocessor "known" are set.
Result<RunLine> parse(const std::string& line, std::uint64_t number) {
  ProcessorOptions engine;
  engine.secrets.register_secret("known", "value");
  engine.preprocessors.register_preprocessor("known", [](OutgoingRequest&) {});
  return parse_run_line(line, number, engine);
}

std::string error_of(const std::string& line) {
  const auto read = parse(line, 1);
  return read ? "(none)" : read.error().message;
}

TEST(RunLineTest, NeedsAUrlOnly) {
  const auto line = parse(R"( {"url":"https://h/x"} )", 12);
  ASSERT_TRUE(line.has_value()) << line.error().message;
  EXPECT_EQ(line->id.dump(), "12");
  EXPECT_EQ(line->id_text, "12");
  EXPECT_EQ(line->request.method(), HttpMethod::kGet);
  EXPECT_TRUE(line->callback_args.is_null());
  EXPECT_EQ(line->raise_error_responses, std::nullopt);
}

TEST(RunLineTest, ReadsEveryField) {
  const auto line = parse(
      R"({"id":"a","method":"PUT","url":"https://h/x","headers":{"X-A":"1","x-list":["a","b"]},"params":{"q":"a b","l":[1,2]},)"
      R"("json":{"f":30.50},"timeout":1.5,"max_redirects":0,"callback_args":{"k":1},"raise_error_responses":true,)"
      R"("retry":{"retries":7,"on":["timeout",429]},"idempotency_key":true,"on_interrupted":"error",)"
      R"("untrusted":true})",
      1);
  ASSERT_TRUE(line.has_value()) << line.error().message;
  EXPECT_EQ(line->id.dump(), "\"a\"");
  EXPECT_EQ(line->request.method(), HttpMethod::kPut);
  EXPECT_EQ(line->request.url(), "https://h/x?q=a+b&l=1&l=2");
  EXPECT_EQ(line->request.headers().get("x-a"), "1");
  EXPECT_EQ(line->request.body(), R"({"f":30.50})");
  EXPECT_EQ(line->request.timeout(), Seconds{1.5});
  EXPECT_EQ(line->request.max_redirects(), 0);
  EXPECT_EQ(line->callback_args.dump(), R"({"k":1})");
  EXPECT_EQ(line->raise_error_responses, true);
  EXPECT_EQ(line->request.retry(),
            (RetryOptions{.retries = 7,
                          .on = RetryOn{.connection = false, .timeout = true, .statuses = {429}}}));
  EXPECT_EQ(line->request.idempotency_key(), true);
  EXPECT_EQ(line->request.on_interrupted(), OnInterrupted::kError);
  EXPECT_TRUE(line->request.is_untrusted());
}

TEST(RunLineTest, SaysWhatIsWrong) {
  EXPECT_THAT(error_of("nonsense"), testing::StartsWith("invalid JSON at byte"));
  EXPECT_THAT(error_of("3"), testing::StartsWith("a line must be a JSON object"));
  EXPECT_EQ(error_of("{}"), "url is missing; it is the one required field");
  EXPECT_THAT(error_of(R"({"url":1})"), "url must be a string, got: integer");
  EXPECT_THAT(error_of(R"({"url":"http://h/","methods":"get"})"),
              testing::StartsWith("unknown field \"methods\"; the fields are id, method,"));
  EXPECT_EQ(error_of(R"({"url":"http://h/","retry":{"on":[200]}})"),
            R"(retry.on must be "connection", "timeout" or statuses from 400 to 599, got 200)");
  EXPECT_EQ(error_of(R"({"url":"http://h/","retry":{"attempts":3}})"),
            "unknown field retry.attempts; its fields are retries, on, max_retry_after, max_time, "
            "idempotent");
  EXPECT_EQ(error_of(R"({"url":"http://h/","idempotency_key":"k"})"),
            "idempotency_key must be true or false, got: string");
  EXPECT_EQ(error_of(R"({"url":"http://h/","on_interrupted":"stop"})"),
            R"(on_interrupted must be "resend" or "error", got: "stop")");
  EXPECT_EQ(error_of(R"({"url":"http://h/","untrusted":1})"),
            "untrusted must be true or false, got: integer");
  EXPECT_EQ(error_of(R"({"url":"http://h/","method":"head"})"),
            "method must be one of get, post, put, patch, delete, got \"head\"");
  EXPECT_EQ(error_of(R"({"url":"http://h/","id":null})"),
            "id must be a string or an integer, got: null");
  EXPECT_EQ(error_of(R"({"url":"http://h/","headers":[]})"),
            "headers must be an object, got: array");
  EXPECT_EQ(error_of(R"({"url":"http://h/","timeout":"5"})"),
            "timeout must be a number of seconds, got: string");
  EXPECT_THAT(error_of(R"({"url":"http://h/","timeout":0})"),
              testing::StartsWith("timeout must be greater than 0"));
  EXPECT_EQ(error_of(R"({"url":"http://h/","max_redirects":-1})"),
            "max_redirects must be an integer from 0 to 1000, got: -1");
  EXPECT_THAT(error_of(R"({"url":"http://h/","callback_args":[1]})"),
              testing::StartsWith("callback_args"));
  EXPECT_EQ(error_of(R"({"url":"http://h/","raise_error_responses":1})"),
            "raise_error_responses must be true or false, got: integer");
  EXPECT_THAT(error_of(R"({"url":"http://h/","method":"post","body":"a","json":1})"),
              testing::HasSubstr("body"));
  EXPECT_THAT(error_of(R"({"url":"http://h/","params":{"k":{"$secret":"s"}}})"),
              testing::StartsWith("params.k refers to the secret \"s\", which is not set"));
}

TEST(RunLineTest, TakesSecretsThatAreSet) {
  const auto line = parse(
      R"({"url":"http://h/","headers":{"x":{"$secret":"known"}},"params":{"k":{"$secret":"known"}}})",
      1);
  ASSERT_TRUE(line.has_value()) << line.error().message;
  EXPECT_EQ(line->request.secret_params().size(), 1U);
}

TEST(RunLineTest, TakesPreprocessorsThatAreSetUp) {
  const auto line = parse(R"({"url":"http://h/","preprocessors":["known","known"]})", 1);
  ASSERT_TRUE(line.has_value()) << line.error().message;
  EXPECT_EQ(line->request.preprocessors(), (std::vector<std::string>{"known", "known"}));
  EXPECT_EQ(
      error_of(R"({"url":"http://h/","preprocessors":["aws"]})"),
      "preprocessors refers to \"aws\", which is not set up; put it into [preprocessors] of a "
      "file for --config");
  EXPECT_EQ(error_of(R"({"url":"http://h/","preprocessors":"known"})"),
            "preprocessors must be an array of names, got: string");
  EXPECT_EQ(error_of(R"({"url":"http://h/","preprocessors":[1]})"),
            "preprocessors must be an array of strings, got: integer");
}

}  // namespace
}  // namespace patient_http::daemon
