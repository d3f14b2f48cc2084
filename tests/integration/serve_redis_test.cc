// `patient-http serve` on a real Redis, between a program that submits and Sidekiq's queues.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "patient_http/json.h"
#include "patient_http/service.h"
#include "support/program.h"
#include "support/test_http_server.h"
#include "support/test_redis.h"

namespace patient_http {
namespace {

using test::Program;
using test::wait_until;
using testing::HasSubstr;
using testing::Not;

class ServeRedisTest : public testing::Test {
 protected:
  // As another program does it, into the first queue.
  void submit(const std::string& path) {
    Configuration configuration;
    configuration.redis = RedisOptions{.url = redis_.url()};
    configuration.callbacks.threads = 0;
    configuration.log = Log();
    const auto client = Service::open(std::move(configuration)).value();
    const auto submitted = client->client().get(server_.url(path), {.callback = "Done"});
    ASSERT_TRUE(submitted.has_value()) << submitted.error().message;
  }
  std::int64_t length(std::string_view list) { return redis_.command({"LLEN", list}).integer(); }
  static bool wait_for_log(const Program& program, const std::string& text) {
    return wait_until([&] { return program.errors().find(text) != std::string::npos; });
  }

  test::TestRedis redis_{{.password = "hunter2"}};
  test::TestHttpServer server_;
};

TEST_F(ServeRedisTest, TakesRequestsAndPushesCallbacksForSidekiq) {
  submit("/");
  Program program("patient-http", {"serve", "--queue", "patient_http_requests"},
                  {.environment = {"REDIS_PROVIDER=MY_REDIS", "MY_REDIS=" + redis_.url()}});
  ASSERT_TRUE(wait_until([&] { return length("queue:default") == 1; })) << program.errors();
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0);
  EXPECT_EQ(length("queue:patient_http_requests"), 0);
  const auto job = Json::parse(redis_.command({"LINDEX", "queue:default", "0"}).text());
  ASSERT_TRUE(job.has_value());
  EXPECT_EQ(*job->find("class")->if_string(), "PatientHttp::Sidekiq::CallbackWorker");
  EXPECT_THAT(program.errors(),
              HasSubstr("starts: store redis://127.0.0.1:" + std::to_string(redis_.port()) +
                        "/0, queues patient_http_requests, "));
  EXPECT_THAT(program.errors(), Not(HasSubstr("hunter2")));
}

TEST_F(ServeRedisTest, PutsBackWhatIsInFlight) {
  server_.hang("/hang");
  submit("/hang");
  Program program("patient-http", {"serve", "--redis", redis_.url(), "--shutdown-timeout", "0"});
  ASSERT_TRUE(server_.wait_for_requests("/hang"));
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0) << program.errors();
  EXPECT_EQ(length("queue:patient_http_requests"), 1);
}

TEST_F(ServeRedisTest, CannotStartWithoutItsRedis) {
  const std::string url = redis_.url();
  redis_.stop();
  Program program("patient-http", {"serve", "--redis", url});
  EXPECT_EQ(program.wait(), 3);
  EXPECT_THAT(program.errors(), HasSubstr("error cannot start: cannot open redis://127.0.0.1:"));
  EXPECT_THAT(program.errors(), Not(HasSubstr("hunter2")));
}

TEST_F(ServeRedisTest, WaitsForARedisThatGoesAway) {
  Program program("patient-http", {"serve", "--redis", redis_.url()});
  ASSERT_TRUE(wait_for_log(program, "info ready\n"));
  redis_.kill();
  ASSERT_TRUE(wait_for_log(program, "the store is down"));
  redis_.restart();
  ASSERT_TRUE(wait_for_log(program, "the store is back"));
  submit("/");
  ASSERT_TRUE(wait_until([&] { return length("queue:default") == 1; })) << program.errors();
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0);
}

}  // namespace
}  // namespace patient_http
