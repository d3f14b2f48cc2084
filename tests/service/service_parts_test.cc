#include "service/service_parts.h"

#include <gtest/gtest.h>

#include "drivers/sqlite/database.h"
#include "jobs/callback_job.h"
#include "jobs/request_job.h"
#include "support/program.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;

class ServicePartsTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<ServiceParts> open(ProcessorOptions options = {}) {
    Configuration configuration;
    configuration.processor = std::move(options);
    configuration.database = folder_.file("jobs.db");
    configuration.log = Log();
    configuration.callbacks.threads = 0;  // the tests look at what waits for a callback
    auto service = ServiceParts::open(std::move(configuration));
    if (!service) throw std::runtime_error(service.error().message);
    return std::move(*service);
  }

  static void push(ServiceParts& service, const std::string& jid, const std::string& bytes) {
    const std::vector<jobs::NewJob> job = {{jid, bytes}};
    ASSERT_TRUE(service.store().push(job, {}).has_value());
  }

  void push_request(ServiceParts& service, const std::string& id, const std::string& path) {
    push(service, id,
         jobs::make_request_job(Request::create({.url = server_.url(path)}).value(),
                                {.jid = id, .request_id = id, .callback = "Callback"}));
  }

  // Waits for that many callback jobs.
  static std::vector<jobs::CallbackJob> callbacks(ServiceParts& service, std::size_t count) {
    std::vector<jobs::CallbackJob> found;
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (found.size() < count && std::chrono::steady_clock::now() < deadline) {
      const auto claims = service.store().claim_callbacks(100);
      if (!claims) return found;
      for (const auto& claim : *claims) {
        found.push_back(jobs::parse_callback_job(claim.bytes, service.opener()).value());
      }
      if (found.size() < count) static_cast<void>(service.store().wait_for_callbacks(deadline));
    }
    return found;
  }

  // From now on the store's file refuses jobs of more bytes, for good, as SQLite itself does with
  // more than a gigabyte.
  void refuse_payloads_over(int bytes) {
    auto database = sqlite::Database::open({.path = folder_.file("jobs.db")});
    ASSERT_TRUE(database.has_value());
    for (const std::string event : {"INSERT", "UPDATE"}) {
      const auto made =
          database->execute("CREATE TRIGGER refuse_" + event + " BEFORE " + event +
                            " ON payloads WHEN length(NEW.bytes) > " + std::to_string(bytes) +
                            " BEGIN SELECT RAISE(ABORT, 'too large'); END");
      ASSERT_TRUE(made.has_value()) << made.error().message;
    }
  }

  TestHttpServer server_;
  test::TemporaryFolder folder_;
};

TEST_F(ServicePartsTest, TurnsJobsIntoCallbackJobs) {
  server_.answer("/x", 200, "hello");
  const auto service = open({.retries = 0});
  service->start();
  push_request(*service, "good", "/x");
  push(*service, "refused",
       jobs::make_request_job(Request::create({.url = "http://127.0.0.1:1/"}).value(),
                              {.jid = "refused", .callback = "Callback"}));

  std::map<std::string, jobs::CallbackJob> by_jid;
  for (auto& callback : callbacks(*service, 2)) by_jid.emplace(callback.jid, std::move(callback));

  ASSERT_EQ(by_jid.size(), 2U);
  const auto& good = by_jid.at(jobs::callback_jid("good"));
  EXPECT_EQ(std::get<Response>(good.outcome).body(), "hello");
  EXPECT_EQ(std::get<Error>(by_jid.at(jobs::callback_jid("refused")).outcome).kind(),
            ErrorKind::kRefused);
  const auto statistics = service->store().statistics().value();
  EXPECT_EQ(statistics.requests, 2);
  EXPECT_EQ(statistics.errors_by_type.at("connection"), 1);
  EXPECT_EQ(statistics.http_status.at(200), 1);
}

TEST_F(ServicePartsTest, SettlesWhatCannotBeRun) {
  const auto service = open();
  service->start();
  push(*service, "broken", "{");
  push(
      *service, "invalid",
      R"({"class":"PatientHttp::Sidekiq::RequestWorker","args":[{"url":"ftp://h/","http_method":"get"},"C",null,null,"id"],"jid":"invalid"})");

  const auto found = callbacks(*service, 1);

  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(std::get<Error>(found[0].outcome).kind(), ErrorKind::kInvalidRequest);
  EXPECT_EQ(found[0].jid, jobs::callback_jid("id"));
  EXPECT_EQ(service->status()->jobs.dead, 1);
}

TEST_F(ServicePartsTest, PutsAnErrorInThePlaceOfAResultThatTheStoreRefuses) {
  server_.answer("/large", 200, std::string(100'000, 'x'),
                 "content-type: application/octet-stream\r\n");
  server_.answer("/small", 200, "fits");
  const auto service = open({.max_connections = 1});
  refuse_payloads_over(50'000);
  service->start();
  push_request(*service, "large", "/large");
  push_request(*service, "small", "/small");

  std::map<std::string, jobs::CallbackJob> by_jid;
  for (auto& callback : callbacks(*service, 2)) by_jid.emplace(callback.jid, std::move(callback));

  ASSERT_EQ(by_jid.size(), 2U);
  EXPECT_EQ(std::get<Response>(by_jid.at(jobs::callback_jid("small")).outcome).body(), "fits");
  const auto& large = by_jid.at(jobs::callback_jid("large"));
  EXPECT_EQ(std::get<Error>(large.outcome).kind(), ErrorKind::kResponseTooLarge);
  EXPECT_THAT(std::get<Error>(large.outcome).message(),
              testing::HasSubstr("a response came that the store refuses"));
  EXPECT_EQ(service->undelivered(), 0U);
  EXPECT_EQ(service->status()->jobs.in_flight, 0);
}

TEST_F(ServicePartsTest, CountsResultsThatItCannotHandOver) {
  const auto service = open();
  push_request(*service, "lost", "/");
  refuse_payloads_over(0);
  service->start();
  ASSERT_TRUE(test::wait_until([&] { return service->undelivered() == 1; }));
  service->stop(0ms);
  EXPECT_EQ(service->status()->jobs.in_flight, 1) << "left to rescue";
}

TEST_F(ServicePartsTest, PutsBackInOrderWhatAStopInterrupts) {
  server_.hang("/hang");
  {
    const auto service = open({.max_connections = 2});
    service->start();
    for (const char* id : {"a", "b", "c"}) push_request(*service, id, "/hang");
    ASSERT_TRUE(server_.wait_for_requests("/hang", 2));
    service->stop(0ms);
    service->stop(0ms);
    EXPECT_EQ(service->status()->jobs.ready, 3);
    EXPECT_EQ(service->status()->jobs.in_flight, 0);
  }
  const auto next = open();
  std::vector<std::string> order;
  const auto claims = next->store().claim(10);
  ASSERT_TRUE(claims.has_value());
  for (const auto& claim : *claims) order.push_back(claim.jid);
  EXPECT_EQ(order, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(ServicePartsTest, TakesNoJobsWhenQuietAndFinishesTheRest) {
  server_.on("/slow", [this](const ReceivedRequest&, ServerConnection& peer) {
    server_.wait_for_release();
    peer.send(TestHttpServer::response(200, "late"));
  });
  const auto service = open();
  service->start();
  push_request(*service, "first", "/slow");
  ASSERT_TRUE(server_.wait_for_requests("/slow"));

  service->quiet();
  push_request(*service, "second", "/slow");
  server_.release();

  EXPECT_EQ(callbacks(*service, 1).size(), 1U);
  EXPECT_EQ(service->status()->jobs.ready, 1);
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(ServicePartsTest, RescuesAtItsStartWhatADeadProcessLeft) {
  {
    const auto dead = open();
    push_request(*dead, "left", "/");
    ASSERT_EQ(dead->store().claim(10)->size(), 1U);
  }
  const auto service = open();
  service->start();
  const auto found = callbacks(*service, 1);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].jid, jobs::callback_jid("left"));
}

TEST_F(ServicePartsTest, LetsSeveralServicesShareAStore) {
  const auto one = open({.max_connections = 3});
  const auto two = open({.max_connections = 3});
  one->start();
  two->start();
  for (int i = 0; i < 100; ++i) push_request(*one, "job-" + std::to_string(i), "/");
  std::set<std::string> jids;
  for (const auto& callback : callbacks(*two, 100)) EXPECT_TRUE(jids.insert(callback.jid).second);
  EXPECT_EQ(jids.size(), 100U);
  EXPECT_EQ(server_.requests().size(), 100U);
}

TEST_F(ServicePartsTest, RunsAgainAfterAStop) {
  const auto service = open();
  for (int round = 0; round < 3; ++round) {
    service->start();
    service->start();
    push_request(*service, "round-" + std::to_string(round), "/");
    EXPECT_EQ(callbacks(*service, 1).size(), 1U);
    service->stop(1s);
  }
}

TEST_F(ServicePartsTest, SaysWhatIsWrongWithItsConfiguration) {
  Configuration configuration;
  configuration.processor.retries = -1;
  try {
    static_cast<void>(ServiceParts::open(configuration));
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "retries must be 0 or more, got: -1; database must name a file, or redis a "
                 "server");
  }
}

}  // namespace
}  // namespace patient_http
