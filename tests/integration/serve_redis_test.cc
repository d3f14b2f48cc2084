// `patient-http serve` on a real Redis, between a program that submits and Sidekiq's queues.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>

#include "patient_http/json.h"
#include "patient_http/service.h"
#include "support/program.h"
#include "support/temporary_folder.h"
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

  test::TestRedis redis_{{.keeps_data = true, .password = "hunter2"}};
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

// As an engineer on call reads it.
TEST_F(ServeRedisTest, ShowsItsStatusInRedis) {
  const auto status = [this](std::string_view field) {
    const auto keys = redis_.command({"KEYS", "patient_http:status:*"});
    if (keys.array().size() != 1) return std::string("no status");
    return std::string(redis_.command({"HGET", keys.array().front().text(), field}).text());
  };
  server_.hang("/hang");
  Program program("patient-http", {"serve", "--redis", redis_.url(), "--redis-lease", "2",
                                   "--redis-command-timeout", "1", "--max-connections", "7",
                                   "--queue", "a,2", "--queue", "patient_http_requests,1"});
  ASSERT_TRUE(wait_for_log(program, "info ready\n")) << program.errors();
  EXPECT_EQ(status("state"), "running");
  EXPECT_EQ(status("in_flight"), "0");
  EXPECT_EQ(status("max_connections"), "7");
  EXPECT_EQ(status("queues"), "a,2 patient_http_requests,1");
  EXPECT_EQ(status("last_store_error"), "");
  submit("/hang");
  ASSERT_TRUE(wait_until([&] { return status("in_flight") == "1"; })) << program.errors();

  redis_.kill();
  ASSERT_TRUE(wait_for_log(program, "the store is down"));
  redis_.restart();
  ASSERT_TRUE(wait_until([&] { return !status("last_store_error").empty(); }));
  EXPECT_THAT(status("last_store_error"), HasSubstr("127.0.0.1:"));
  EXPECT_THAT(status("last_store_error"), Not(HasSubstr("hunter2")));
  EXPECT_GT(std::stoll(status("last_store_error_at")), std::stoll(status("started_at")) - 1);

  program.signal(SIGTSTP);
  ASSERT_TRUE(wait_until([&] { return status("state") == "quiet"; })) << program.errors();
  program.signal(SIGTERM);  // the request in flight has the default 23 s
  ASSERT_TRUE(wait_until([&] { return status("state") == "stopping"; })) << program.errors();

  program.signal(SIGKILL);
  program.wait();
  EXPECT_EQ(status("state"), "stopping") << "who died can still be looked at";
  EXPECT_EQ(status("in_flight"), "1");
}

// Sidekiq's list of processes is for looking only: neither the lease nor the work depends on it.
TEST_F(ServeRedisTest, WorksOnWhenSidekiqsListRefusesIt) {
  redis_.command({"SET", "processes", "no set"});
  Program program("patient-http",
                  {"serve", "--redis", redis_.url(), "--register-as-sidekiq-process"});
  ASSERT_TRUE(wait_for_log(program, "register as a Sidekiq process: ")) << program.errors();
  submit("/");
  ASSERT_TRUE(wait_until([&] { return length("queue:default") == 1; })) << program.errors();
  const auto keys = redis_.command({"KEYS", "patient_http:status:*"});
  ASSERT_EQ(keys.array().size(), 1U);
  EXPECT_EQ(redis_.command({"HGET", keys.array().front().text(), "last_store_error"}).text(), "");
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0) << program.errors();
  EXPECT_THAT(program.errors(), Not(HasSubstr("the store is down")));
  EXPECT_EQ(redis_.command({"GET", "processes"}).text(), "no set");
}

// A result that came while the store was down is spooled, and its request is not sent again; the
// one that was interrupted is rescued.
TEST_F(ServeRedisTest, LeavesWhatItCannotStoreToTheNextStart) {
  const test::TemporaryFolder folder;
  server_.on("/slow", [this](const test::ReceivedRequest&, test::ServerConnection& connection) {
    server_.wait_for_release();
    connection.send(test::TestHttpServer::response(200, "late"));
  });
  server_.hang("/hang");
  submit("/slow");
  submit("/hang");
  const std::vector<std::string> arguments = {"serve",
                                              "--redis",
                                              redis_.url(),
                                              "--redis-lease",
                                              "2",
                                              "--redis-command-timeout",
                                              "1",
                                              "--shutdown-timeout",
                                              "1",
                                              "--store-patience",
                                              "0.5",
                                              "--state-directory",
                                              folder.path().string()};
  Program first("patient-http", arguments);
  ASSERT_TRUE(server_.wait_for_requests("/slow"));
  ASSERT_TRUE(server_.wait_for_requests("/hang"));
  redis_.kill();
  server_.release();
  ASSERT_TRUE(wait_for_log(first, "the store is down")) << first.errors();
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(), 1) << first.errors();
  EXPECT_THAT(first.errors(), HasSubstr("1 results are spooled in " + folder.path().string()));
  EXPECT_THAT(first.errors(), HasSubstr("put back 1 requests: "));
  // The last line used to count that one among those that were put back.
  EXPECT_THAT(first.errors(), HasSubstr("; 0 were put back, 2 are left behind\n"));
  EXPECT_FALSE(std::filesystem::is_empty(folder.path()));

  redis_.restart();
  Program second("patient-http", arguments);
  ASSERT_TRUE(server_.wait_for_requests("/hang", 2)) << second.errors();
  ASSERT_TRUE(wait_until([&] { return length("queue:default") == 1; })) << second.errors();
  second.signal(SIGTERM);
  EXPECT_EQ(second.wait(), 0) << second.errors();
  EXPECT_EQ(length("queue:default"), 1);
  EXPECT_EQ(length("queue:patient_http_requests"), 1);
  EXPECT_EQ(server_.requests().size(), 3U);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// With the lease that users have. One process is killed, another stops for longer than its lease: a
// third sends both requests within 20 s, and the one that was stopped ends its transfer when it
// wakes.
TEST_F(ServeRedisTest, TakesOverFromTheKilledAndTheStopped) {
  std::atomic<int> slow_requests{0};
  std::atomic<bool> late_transfer_ended{false};
  server_.on("/slow", [&](const test::ReceivedRequest&, test::ServerConnection& connection) {
    if (++slow_requests == 1) {
      connection.wait_for_peer_to_close();
      late_transfer_ended = true;
    } else {
      server_.wait_for_release();
      connection.send(test::TestHttpServer::response(200, "of the third"));
    }
  });
  std::atomic<int> hanging_requests{0};
  server_.on("/hang", [&](const test::ReceivedRequest&, test::ServerConnection& connection) {
    if (++hanging_requests == 1) {
      connection.wait_for_peer_to_close();
    } else {
      connection.send(test::TestHttpServer::response(200, "of the third"));
    }
  });
  const std::vector<std::string> one_at_a_time = {"serve", "--redis", redis_.url(),
                                                  "--max-connections", "1"};
  submit("/slow");
  Program stopped("patient-http", one_at_a_time);
  ASSERT_TRUE(server_.wait_for_requests("/slow")) << stopped.errors();
  submit("/hang");
  Program killed("patient-http", one_at_a_time);
  ASSERT_TRUE(server_.wait_for_requests("/hang")) << killed.errors();
  Program third("patient-http", {"serve", "--redis", redis_.url()});
  ASSERT_TRUE(wait_for_log(third, "ready")) << third.errors();

  stopped.signal(SIGSTOP);
  killed.signal(SIGKILL);
  EXPECT_TRUE(server_.wait_for_requests("/slow", 2)) << third.errors();
  EXPECT_TRUE(server_.wait_for_requests("/hang", 2)) << third.errors();
  stopped.signal(SIGCONT);
  EXPECT_TRUE(wait_until([&] { return late_transfer_ended.load(); })) << stopped.errors();
  server_.release();
  ASSERT_TRUE(wait_until([&] { return length("queue:default") == 2; })) << third.errors();

  for (Program* const program : {&stopped, &third}) {
    program->signal(SIGTERM);
    EXPECT_EQ(program->wait(), 0) << program->errors();
  }
  EXPECT_THAT(stopped.errors(), HasSubstr("1 requests in flight are cancelled"));
  EXPECT_EQ(length("queue:default"), 2);
  EXPECT_EQ(length("queue:patient_http_requests"), 0);
  EXPECT_EQ(slow_requests + hanging_requests, 4);
}

TEST_F(ServeRedisTest, KeepsLargeResultsInAPayloadStoreThere) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("config.toml");
  test::write_file(file, "[payload_stores]\nthreshold = 1000\nredis = { type = \"redis\" }\n");
  server_.answer("/large", 200, std::string(3000, 'x'), "Content-Type: text/plain\r\n");
  submit("/large");
  Program program("patient-http", {"serve", "--redis", redis_.url(), "--config", file});
  ASSERT_TRUE(wait_until([&] { return length("queue:default") == 1; })) << program.errors();
  const auto keys = redis_.command({"KEYS", "patient_http:payloads:*"});
  ASSERT_EQ(keys.array().size(), 1U);
  const std::string key(keys.array().front().text());
  EXPECT_THAT(std::string(redis_.command({"GET", key}).text()), HasSubstr(std::string(3000, 'x')));
  const std::string job(redis_.command({"LINDEX", "queue:default", "0"}).text());
  EXPECT_THAT(job, HasSubstr(R"({"$ref":{"store":"redis","key":")" +
                             key.substr(key.rfind(':') + 1) + "\"}}"));
}

}  // namespace
}  // namespace patient_http
