#include "jobs/callback_job.h"

#include <gtest/gtest.h>

namespace patient_http::jobs {
namespace {

Result<CallbackJob, UnopenedData> parse(std::string_view bytes) {
  const payload::ExternalStorage storage;
  const payload::Encryptor encryptor;
  return parse_callback_job(bytes, JobOpener(storage, encryptor));
}

std::string make(const std::variant<Response, Error>& outcome, const std::string& request_id,
                 const std::string& carried) {
  const auto* error = std::get_if<Error>(&outcome);
  return make_callback_job(outcome_json(outcome),
                           {.request_id = request_id,
                            .callback = "Callback",
                            .carried = carried,
                            .error_kind = error ? std::optional(error->kind()) : std::nullopt});
}

Response some_response() {
  return Response({.status = 200,
                   .headers = {{"content-type", "text/plain"}},
                   .body = "hello",
                   .duration = Seconds{0.5},
                   .request_id = "11111111-2222-3333-4444-555555555555",
                   .url = "http://h/"});
}

TEST(CallbackJobTest, WritesAResponseInTheFormOfTheGem) {
  const Json job =
      Json::parse(make(some_response(), "11111111-2222-3333-4444-555555555555", R"(,"tags":["a"])"))
          .value();
  EXPECT_EQ(
      job.find("args")->dump(),
      R"([{"status":200,"headers":{"content-type":"text/plain"},"body":{"encoding":"text","value":"hello",)"
      R"("charset":"UTF-8"},"duration":0.5,"request_id":"11111111-2222-3333-4444-555555555555","url":"http://h/",)"
      R"("http_method":"get","callback_args":{},"redirects":[]},"response","Callback"])");
  EXPECT_EQ(*job.find("class")->if_string(), "PatientHttp::Sidekiq::CallbackWorker");
  EXPECT_EQ(*job.find("queue")->if_string(), "default");
  EXPECT_EQ(job.find("tags")->dump(), R"(["a"])");
  EXPECT_EQ(job.find("error_kind"), nullptr);
}

TEST(CallbackJobTest, HasTheSameJidForTheSameRequest) {
  // printf '%s' '11111111-2222-3333-4444-555555555555:callback' | sha256sum | cut -c1-24
  EXPECT_EQ(callback_jid("11111111-2222-3333-4444-555555555555"), "54bb4b3ce25ed79f688c74b1");
  EXPECT_NE(callback_jid("a"), callback_jid("b"));
}

TEST(CallbackJobTest, ReadsBackResultsWithOurKindAndReference) {
  const Error error(RequestError(
      {.kind = ErrorKind::kRefused, .message = "no", .request_id = "id", .url = "http://h/"}));
  const auto read = parse(make(error, "id", R"(,"reference":{"x":1})"));
  ASSERT_TRUE(read.has_value()) << read.error().reason;
  EXPECT_EQ(read->callback, "Callback");
  EXPECT_EQ(std::get<Error>(read->outcome).kind(), ErrorKind::kRefused);
  EXPECT_EQ(read->reference.dump(), R"({"x":1})");
  EXPECT_EQ(std::get<Error>(read->outcome).message(), "no");
  const auto response = parse(make(some_response(), "id", ""));
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(std::get<Response>(response->outcome).body(), "hello");
  EXPECT_TRUE(response->reference.is_null());
}

TEST(CallbackJobTest, RefusesWhatIsNoCallbackJob) {
  for (const char* bad : {"{", "[]", "{}", R"({"args":[]})", R"({"args":[{},"other","C"]})",
                          R"({"args":[{"status":"x"},"response","C"]})"}) {
    EXPECT_FALSE(parse(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace patient_http::jobs
