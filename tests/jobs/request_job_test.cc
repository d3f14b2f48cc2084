#include "jobs/request_job.h"

#include <gtest/gtest.h>

namespace patient_http::jobs {
namespace {

Result<RequestJob, UnrunnableJob> parse(std::string_view bytes) {
  const payload::ExternalStorage storage;
  const payload::Encryptor encryptor;
  return parse_request_job(bytes, JobOpener(storage, encryptor));
}

Request some_request() {
  return Request::create({.url = "https://api.example.com/v1"}).value();
}

std::string job_with(const std::string& args, const std::string& more = "") {
  return R"({"class":"PatientHttp::Sidekiq::RequestWorker","args":)" + args +
         R"(,"jid":"0123456789abcdef01234567")" + more + "}";
}

const std::string kRequest =
    R"({"http_method":"get","url":"http://h/","headers":{},"body":null,"timeout":null,"max_redirects":null})";

TEST(RequestJobTest, WritesTheFormOfTheGem) {
  const std::string bytes =
      make_request_job(some_request(), {.jid = "0123456789abcdef01234567",
                                        .request_id = "11111111-2222-3333-4444-555555555555",
                                        .callback = "Callback",
                                        .raise_error_responses = true,
                                        .callback_args = Json::object({{"a", 1}}),
                                        .reference = 17});

  const Json job = Json::parse(bytes).value();
  EXPECT_EQ(
      job.find("args")->dump(),
      R"([{"http_method":"get","url":"https://api.example.com/v1","headers":{},"body":null,"timeout":null,)"
      R"("max_redirects":null},"Callback",true,{"a":1},"11111111-2222-3333-4444-555555555555"])");
  EXPECT_EQ(*job.find("class")->if_string(), "PatientHttp::Sidekiq::RequestWorker");
  EXPECT_EQ(*job.find("retry")->if_bool(), true);
  for (const char* time : {"created_at", "enqueued_at"}) {
    EXPECT_FALSE(job.find(time)->is_integer()) << "a float, which all of Sidekiq reads as seconds";
    EXPECT_GT(job.find(time)->to_double(), 1.7e9);
  }
}

TEST(RequestJobTest, KeepsTheAttemptsOfAPostponedRequest) {
  using std::chrono::system_clock;
  using namespace std::chrono_literals;
  const std::string plain = job_with("[" + kRequest + R"(,"Callback"])", R"(,"odd":1.50)");
  const EarlierAttempts two{2, system_clock::time_point(1'764'000'000s + 250ms)};
  const std::string bytes = with_attempts(plain, two);
  EXPECT_EQ(bytes, plain.substr(0, plain.size() - 1) +
                       R"(,"earlier_attempts":{"count":2,"began_at":1764000000.25}})");
  EXPECT_EQ(parse(bytes)->earlier_attempts, two);
  const EarlierAttempts three{3, two.began_at};
  EXPECT_EQ(parse(with_attempts(bytes, three))->earlier_attempts, three);
  EXPECT_EQ(parse(plain)->earlier_attempts, std::nullopt);
  for (const char* odd :
       {"3", "null", "{}", R"({"count":0,"began_at":1})", R"({"count":1})",
        R"({"count":1.5,"began_at":1})", R"({"count":1,"began_at":-1})",
        R"({"count":1,"began_at":1e300})", R"({"count":99999999999,"began_at":1})"}) {
    const auto job = parse(
        job_with("[" + kRequest + R"(,"Callback"])", std::string(R"(,"earlier_attempts":)") + odd));
    ASSERT_TRUE(job.has_value()) << odd;
    EXPECT_EQ(job->earlier_attempts, std::nullopt) << odd;
  }
}

TEST(RequestJobTest, ReadsBackWhatItWrote) {
  const auto job = parse(make_request_job(some_request(), {.jid = "0123456789abcdef01234567",
                                                           .request_id = "id",
                                                           .callback = "Callback",
                                                           .reference = "x"}));
  ASSERT_TRUE(job.has_value()) << job.error().reason;
  EXPECT_EQ(job->request, some_request());
  EXPECT_EQ(job->request_id, "id");
  EXPECT_EQ(job->callback, "Callback");
  EXPECT_EQ(job->raise_error_responses, std::nullopt);
  EXPECT_TRUE(job->callback_args.empty());
  EXPECT_EQ(job->carried, R"(,"reference":"x")");
}

TEST(RequestJobTest, TakesTheJidForAMissingRequestId) {
  const auto job = parse(job_with("[" + kRequest + ",\"C\",null,null,null]"));
  ASSERT_TRUE(job.has_value()) << job.error().reason;
  EXPECT_EQ(job->request_id, "0123456789abcdef01234567");
}

TEST(RequestJobTest, CarriesContextFieldsOverWithTheirNumbersAsTheyAre) {
  const auto job = parse(job_with(
      "[" + kRequest + ",\"C\"]",
      R"(,"cattr":{"n":1180591620717411303424,"f":30.50},"unknown":1,"tags":["a"],"traceparent":"00-1-2-01","bid":"b")"));
  ASSERT_TRUE(job.has_value());
  EXPECT_EQ(
      job->carried,
      R"(,"cattr":{"n":1180591620717411303424,"f":30.50},"tags":["a"],"traceparent":"00-1-2-01")");
}

TEST(RequestJobTest, TellsMalformedJobsFromInvalidRequests) {
  const auto what = [](const std::string& bytes) {
    const auto job = parse(bytes);
    if (job) return std::string("runs");
    return (job.error().what == UnrunnableJob::What::kMalformed ? "malformed: " : "invalid: ") +
           job.error().reason;
  };
  EXPECT_THAT(what("{"), testing::StartsWith("malformed: invalid JSON"));
  EXPECT_THAT(what("[]"), testing::StartsWith("malformed: the job must be a JSON object"));
  EXPECT_THAT(what(R"({"class":"Other","args":[1,2],"jid":"a"})"),
              testing::HasSubstr("got: \"Other\""));
  EXPECT_THAT(what(job_with("[]")), testing::StartsWith("malformed: the job's args"));
  EXPECT_THAT(what(job_with("[" + kRequest + ",null]")),
              testing::StartsWith("malformed: the job names no callback"));
  EXPECT_THAT(
      what(R"({"class":"PatientHttp::Sidekiq::RequestWorker","args":[)" + kRequest + ",\"C\"]}"),
      testing::StartsWith("malformed: the job has neither"));
  EXPECT_THAT(what(job_with(R"([{"$ref":{"store":"s","key":"k"}},"C"])")),
              testing::StartsWith("malformed: "));
  EXPECT_THAT(what(job_with(R"([{"http_method":"get","url":"ftp://h/"},"C"])")),
              testing::StartsWith("invalid: url"));
}

TEST(RequestJobTest, KeepsWhatAnErrorCallbackNeedsOfAnInvalidRequest) {
  const auto job = parse(job_with(
      R"([{"http_method":"get","url":"ftp://h/"},"C",null,{"k":1},"id"])", R"(,"reference":5)"));
  ASSERT_FALSE(job.has_value());
  EXPECT_EQ(job.error().request_id, "id");
  EXPECT_EQ(job.error().url, "ftp://h/");
  EXPECT_EQ(job.error().callback, "C");
  EXPECT_EQ(job.error().callback_args.fetch("k").to_int64(), 1);
  EXPECT_EQ(job.error().carried, R"(,"reference":5)");
}

// Whoever calls a key of theirs so gets it back.
TEST(RequestJobTest, TakesNothingForAnEnvelopeThatIsNotMarkedAsOne) {
  const Json args = Json::object({{"__encrypted__", true}, {"value", "x"}});
  NewRequestJob job{.jid = "0123456789abcdef01234567", .callback = "C", .callback_args = args};
  const auto read = parse(make_request_job(some_request(), job));
  ASSERT_TRUE(read.has_value()) << read.error().reason;
  EXPECT_EQ(read->callback_args.to_json(), args);
  job.are_args_encrypted = true;
  const auto marked = parse(make_request_job(some_request(), job));
  ASSERT_FALSE(marked.has_value());
  EXPECT_EQ(marked.error().what, UnrunnableJob::What::kUnreadable);
}

TEST(RequestJobTest, RefusesWhatIsAMillionLevelsDeep) {
  // A reader that calls itself for each level would end the process.
  constexpr std::size_t kDepth = 1'000'000;
  const std::string lists = std::string(kDepth, '[') + std::string(kDepth, ']');
  std::string objects;
  for (std::size_t i = 0; i < kDepth; ++i) objects += R"({"a":)";
  objects += "1" + std::string(kDepth, '}');
  for (const std::string& deep : {lists, objects, objects.substr(0, objects.size() / 2)}) {
    const std::string args = "[" + kRequest + R"(,"C",null,{"k":)" + deep + R"(},"id"])";
    for (const std::string& bytes : {deep, job_with(deep), job_with(args)}) {
      const auto job = parse(bytes);
      ASSERT_FALSE(job.has_value());
      EXPECT_EQ(job.error().what, UnrunnableJob::What::kMalformed);
      EXPECT_LT(job.error().reason.size(), 1000U);
    }
  }
}

}  // namespace
}  // namespace patient_http::jobs
