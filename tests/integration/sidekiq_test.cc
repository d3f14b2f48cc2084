// Real Sidekiq (Debian's, 6.4) pushes request jobs as the gem does, patient-http carries them out,
// and real Sidekiq runs the callbacks, with a worker that reads results as the gem's does. Sidekiq
// 7 and 8 differ in fields that golden files cover; they are not run here.

#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <filesystem>

#include "integration/sidekiq_fixture.h"

namespace patient_http::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string hex(const std::string& bytes) {
  static constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    out += kDigits[value >> 4];
    out += kDigits[value & 15];
  }
  return out;
}

const Json& member(const Json& json, const std::string& key) {
  const Json* const found = json.find(key);
  if (found == nullptr) throw std::runtime_error("no " + key + " in " + json.dump());
  return *found;
}

class SidekiqTest : public SidekiqFixture {
 protected:
  SidekiqTest() {
    server_.answer("/text", 200, "hello", "Content-Type: text/plain\r\n");
    server_.answer("/missing", 404, "{\"no\":1}", "Content-Type: application/json\r\n");
    server_.answer("/moved", 302, "", "Location: /text\r\n");
    server_.answer("/binary", 200, std::string("\0\xff\n", 3),
                   "Content-Type: application/octet-stream\r\n");
    server_.answer("/latin", 200, "caf\xe9", "Content-Type: text/plain; charset=ISO-8859-1\r\n");
    server_.answer("/large", 200, std::string(200'000, 'x'), "Content-Type: text/plain\r\n");
    server_.hang("/hang");
  }
};

TEST_F(SidekiqTest, RubyGetsEveryKindOfResult) {
  start_service();
  start_sidekiq({"default"});
  push(get(server_.url("/text")), "text");
  push(get(server_.url("/missing")), "missing");
  push(get(server_.url("/missing")), "raised", Json::object({}), "Done", Json(true));
  push(get(server_.url("/moved")), "moved");
  push(get(server_.url("/binary")), "binary");
  push(get(server_.url("/latin")), "latin");
  push(get(server_.url("/large")), "large");
  push(*Json::parse(R"({"http_method":"get","url":")" + server_.url("/hang") +
                    R"(","headers":{},"body":null,"timeout":0.3,"max_redirects":null})"),
       "slow");
  push(get("http://127.0.0.1:9/"), "refused");

  auto found = results(9);
  const auto result = [&](const char* id) -> const Json& { return member(found.at(id), "result"); };
  EXPECT_EQ(text(found.at("text"), "type"), "response");
  EXPECT_EQ(text(found.at("text"), "callback"), "Done");
  EXPECT_EQ(text(found.at("text"), "body_hex"), hex("hello"));
  EXPECT_EQ(member(result("text"), "callback_args").dump(), R"({"id":"text"})");
  EXPECT_EQ(member(result("missing"), "status").dump(), "404");
  EXPECT_EQ(text(found.at("raised"), "type"), "error");
  EXPECT_EQ(member(member(result("raised"), "response"), "status").dump(), "404");
  EXPECT_EQ(member(result("moved"), "redirects").dump(), "[\"" + server_.url("/moved") + "\"]");
  EXPECT_EQ(text(found.at("binary"), "body_hex"), "00ff0a");
  EXPECT_EQ(text(found.at("latin"), "body_hex"), hex("caf\xe9"));
  EXPECT_EQ(text(found.at("large"), "body_hex"), hex(std::string(200'000, 'x')));
  EXPECT_EQ(text(result("slow"), "error_type"), "timeout");
  EXPECT_EQ(text(result("slow"), "class_name"), "Async::TimeoutError");
  EXPECT_EQ(text(result("refused"), "error_type"), "connection");
  EXPECT_EQ(text(result("refused"), "class_name"), "Errno::ECONNREFUSED");
  for (const auto& [id, note] : found) {
    if (const Json* valid = note.find("body_valid")) {
      EXPECT_TRUE(*valid->if_bool()) << id;
    }
  }
}

TEST_F(SidekiqTest, RubyAndWeReadEachOthersEncryptedAndStoredData) {
  std::filesystem::create_directory(folder_.file("payloads"));
  write_file(folder_.file("config.toml"),
             "[payload_stores]\nfiles = { type = \"file\", directory = \"" +
                 folder_.file("payloads") + "\" }\nthreshold = 1000\n");
  ::setenv("PATIENT_HTTP_ENCRYPTION_KEYS", kKey, 1);
  start_service({"--config", folder_.file("config.toml")});
  ::unsetenv("PATIENT_HTTP_ENCRYPTION_KEYS");
  start_sidekiq({"default"});
  const Json sealed =
      ruby(Json::object({{"do", Json("encrypt")}, {"data", get(server_.url("/text"))}}));
  push(sealed, "encrypted");
  const std::string key = "3556d752-8494-4870-8bcf-59efea9c86db";
  write_file(folder_.file("payloads/" + key + ".json"), sealed.dump());
  push(*Json::parse(R"({"$ref":{"store":"files","key":")" + key + R"("}})"), "stored");
  push(ruby(Json::object({{"do", Json("encrypt")}, {"data", get(server_.url("/large"))}})),
       "large");

  auto found = results(3);
  EXPECT_EQ(text(found.at("encrypted"), "body_hex"), hex("hello"));
  EXPECT_EQ(text(found.at("stored"), "body_hex"), hex("hello"));
  EXPECT_EQ(text(found.at("large"), "body_hex"), hex(std::string(200'000, 'x')));
  // Ruby removes the payloads of results, we those of requests.
  EXPECT_TRUE(wait_until([&] { return std::filesystem::is_empty(folder_.file("payloads")); }));
}

TEST_F(SidekiqTest, SharesAQueueWithOtherWorkers) {
  for (int i = 0; i < 5; ++i) {
    ruby(Json::object({{"do", Json("ordinary")}, {"queue", Json("default")}, {"number", Json(i)}}));
    push(get(server_.url("/text")), "request " + std::to_string(i), Json::object({}), "Done", {},
         "default");
  }
  start_service({"--shared-queue", "default"});
  ASSERT_TRUE(wait_until([&] { return server_.requests().size() == 5; }));
  start_sidekiq({"default"});
  EXPECT_EQ(results(5).size(), 5U);
  ASSERT_TRUE(wait_until([&] {
    return redis_.command({"LLEN", "interop:ordinary"}).integer() == 5;
  }));
  const auto order = redis_.command({"LRANGE", "interop:ordinary", "0", "-1"});
  std::set<std::string> numbers;
  for (const auto& one : order.array()) numbers.insert(std::string(one.text()));
  EXPECT_EQ(numbers.size(), 5U);
  EXPECT_THAT(service_->errors(), Not(HasSubstr("error")));
}

TEST_F(SidekiqTest, SidekiqsApiReadsAllThatWeWrite) {
  push(*Json::parse("{}"), "invalid");
  push(*Json::parse(R"({"$ref":{"store":"nowhere","key":"3556d752-8494-4870-8bcf-59efea9c86db"}})"),
       "unreadable");
  redis_.command({"LPUSH", "queue:patient_http_requests", "{broken"});
  const std::string jid = push(get(server_.url("/text")), "fine");
  start_service({"--callback-queue", "results"});
  const auto ask = [&](const char* what) { return ruby(Json::object({{"do", Json(what)}})); };
  ASSERT_TRUE(wait_until([&] {
    return redis_.command({"LLEN", "queue:results"}).integer() == 2 &&
           redis_.command({"ZCARD", "retry"}).integer() == 1 &&
           redis_.command({"ZCARD", "dead"}).integer() == 1;
  })) << service_->errors();

  const Json queue = ruby(Json::object({{"do", Json("queue")}, {"name", Json("results")}}));
  EXPECT_EQ(member(queue, "size").dump(), "2");
  EXPECT_LT(member(queue, "latency").to_double().value_or(1e9), 60);
  for (const Json& job : *member(queue, "jobs").if_array()) {
    EXPECT_EQ(text(job, "class"), "PatientHttp::Sidekiq::CallbackWorker");
    EXPECT_EQ(text(job, "jid").size(), 24U);
    EXPECT_NE(text(job, "jid"), jid);
  }
  EXPECT_THAT(ask("queues").dump(), HasSubstr("results"));
  const Json retries = ask("retries");
  ASSERT_EQ(retries.if_array()->size(), 1U);
  const Json& retried = retries.if_array()->front();
  EXPECT_EQ(text(retried, "error_class"), "PatientHttp::UnreadableJobError");
  EXPECT_EQ(member(retried, "retry_count").dump(), "0");
  EXPECT_EQ(text(retried, "queue"), "patient_http_requests");
  const Json stats = ask("stats");
  EXPECT_EQ(member(stats, "processed").dump(), "4");
  EXPECT_EQ(member(stats, "today").dump(), "4");
  EXPECT_EQ(member(stats, "failed").dump(), "2");
}

TEST_F(SidekiqTest, ACallbackThatFailsIsRetriedBySidekiqUnderTheSameJid) {
  start_service();
  start_sidekiq({"default"});
  push(get(server_.url("/text")), "fails", Json::object({}), "FailingCallback");
  ASSERT_TRUE(wait_until([&] { return redis_.command({"ZCARD", "retry"}).integer() == 1; }));
  const Json retries = ruby(Json::object({{"do", Json("retries")}}));
  const Json& job = retries.if_array()->front();
  EXPECT_EQ(text(job, "error_message"), "this callback always fails");
  EXPECT_EQ(text(job, "class"), "PatientHttp::Sidekiq::CallbackWorker");
}

TEST_F(SidekiqTest, CarriesOverWhatTheApplicationPutsIntoItsJobs) {
  push(get(server_.url("/text")), "traced",
       Json::object({{"cattr", Json::object({{"user", Json(7)}})},
                     {"locale", Json("gd")},
                     {"tags", Json::array({Json("a")})},
                     {"traceparent", Json("00-1-2-01")},
                     {"unknown", Json("stays")}}));
  start_service({"--callback-queue", "results"});
  ASSERT_TRUE(wait_until([&] { return redis_.command({"LLEN", "queue:results"}).integer() == 1; }));
  const std::string job(redis_.command({"LINDEX", "queue:results", "0"}).text());
  EXPECT_THAT(job, HasSubstr(R"("cattr":{"user":7})"));
  EXPECT_THAT(job, HasSubstr(R"("locale":"gd")"));
  EXPECT_THAT(job, HasSubstr(R"("tags":["a"])"));
  EXPECT_THAT(job, HasSubstr(R"("traceparent":"00-1-2-01")"));
}

TEST_F(SidekiqTest, AStopPutsBackWhatIsInFlightForTheNextOne) {
  push(get(server_.url("/hang")), "first");
  push(get(server_.url("/hang")), "second");
  const std::string before(redis_.command({"LINDEX", "queue:patient_http_requests", "-1"}).text());
  start_service({"--shutdown-timeout", "0"});
  ASSERT_TRUE(wait_until([&] { return server_.requests().size() == 2; }));
  service_->signal(SIGTERM);
  EXPECT_EQ(service_->wait(), 0) << service_->errors();
  EXPECT_EQ(redis_.command({"LLEN", "queue:patient_http_requests"}).integer(), 2);
  EXPECT_EQ(redis_.command({"LINDEX", "queue:patient_http_requests", "-1"}).text(), before);
  EXPECT_EQ(redis_.command({"KEYS", "*inflight*"}).array().size(), 0U);
}

// What its Busy page shows comes from these classes, and its buttons call these methods.
TEST_F(SidekiqTest, SidekiqShowsQuietsAndStopsIt) {
  push(get(server_.url("/hang")), "busy");
  start_service({"--register-as-sidekiq-process", "--max-connections", "7", "--queue", kQueue,
                 "--queue", "more", "--shutdown-timeout", "0"});
  const auto ask = [&](const char* what) { return ruby(Json::object({{"do", Json(what)}})); };
  const auto shows = [&](const char* field, const std::string& value) {
    return wait_until([&] {
      const Json processes = ask("processes");
      return processes.if_array()->size() == 1 &&
             member(processes.if_array()->front(), field).dump() == value;
    });
  };
  ASSERT_TRUE(shows("busy", "1")) << service_->errors();
  const Json processes = ask("processes");
  const Json& process = processes.if_array()->front();
  EXPECT_EQ(member(process, "concurrency").dump(), "7");
  EXPECT_EQ(member(process, "queues").dump(), R"(["patient_http_requests","more"])");
  EXPECT_EQ(member(process, "labels").dump(), R"(["patient-http"])");
  EXPECT_EQ(member(process, "quiet").dump(), R"("false")");
  EXPECT_EQ(redis_.command({"SISMEMBER", "processes", text(process, "identity")}).integer(), 1);
  const std::string name = text(process, "hostname") + ":" + member(process, "pid").dump() + ":";
  EXPECT_TRUE(text(process, "identity").starts_with(name)) << text(process, "identity");
  EXPECT_GT(member(process, "started_at").to_double().value_or(0), 1e9);
  EXPECT_GT(member(process, "beat").to_double().value_or(0), 1e9);
  EXPECT_GT(member(process, "rss").to_int64().value_or(0), 1000);
  EXPECT_GT(member(process, "rtt_us").to_int64().value_or(0), 0);
  EXPECT_EQ(member(ask("stats"), "processes").dump(), "1");
  EXPECT_EQ(member(ask("stats"), "busy").dump(), "1");

  EXPECT_EQ(ask("quiet").dump(), "1");
  ASSERT_TRUE(shows("quiet", R"("true")")) << service_->errors();
  EXPECT_THAT(service_->errors(), HasSubstr("quiet: no further requests are taken, 1 in flight"));
  EXPECT_EQ(ask("stop").dump(), "1");
  EXPECT_EQ(service_->wait(), 0) << service_->errors();
  EXPECT_EQ(redis_.command({"SCARD", "processes"}).integer(), 0);
  EXPECT_EQ(ask("processes").dump(), "[]");
  EXPECT_EQ(redis_.command({"LLEN", "queue:patient_http_requests"}).integer(), 1);
}

// The default lease is 12 s: what a dead process held is sent again within 20.
TEST_F(SidekiqTest, AnotherProcessTakesOverWithinTwentySecondsOfAKill) {
  start_service();
  Program second("patient-http", {"serve", "--redis", redis_.url(), "--max-connections", "1"});
  ASSERT_TRUE(wait_until([&] {
    return redis_.command({"SCARD", "patient_http:processes"}).integer() == 2;
  }));
  for (int i = 0; i < 4; ++i) push(get(server_.url("/hang")), std::to_string(i));
  ASSERT_TRUE(wait_until([&] { return server_.requests().size() == 4; }));
  const auto killed = std::chrono::steady_clock::now();
  service_->signal(SIGKILL);
  service_->wait();
  Program third("patient-http", {"serve", "--redis", redis_.url()});
  // At least three of them were the killed one's.
  ASSERT_TRUE(wait_until([&] { return server_.requests().size() >= 7; })) << second.errors();
  EXPECT_LT(std::chrono::steady_clock::now() - killed, std::chrono::seconds(20));
}

}  // namespace
}  // namespace patient_http::test
