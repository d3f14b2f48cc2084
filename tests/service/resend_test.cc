// What is sent again by whom: after long waits through the store, and not at all after a death
// where the request says so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "service/parts_fixture.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ResendTest : public test::PartsFixture {
 protected:
  void push(jobs::JobStore& store, const std::string& id, RequestOptions options) {
    const std::vector<jobs::NewJob> job = {
        {id, jobs::make_request_job(Request::create(std::move(options)).value(),
                                    {.jid = id, .request_id = id, .callback = "Note"})}};
    ASSERT_TRUE(store.push(job, {}).has_value());
  }

  // Answers with 503 and a Retry-After until it is asked for the `last` time.
  void be_busy(int last, const std::string& retry_after) {
    server_.on("/busy", [this, last, retry_after](const ReceivedRequest&, ServerConnection& peer) {
      peer.send(++calls_ < last
                    ? TestHttpServer::response(503, "busy", "retry-after: " + retry_after + "\r\n")
                    : TestHttpServer::response(200, "done"));
    });
  }

  // Waits until something is scheduled, and lets an hour pass for it.
  void promote(ServiceParts& parts) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (parts.status()->jobs.scheduled == 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    EXPECT_EQ(parts.status()->jobs.in_flight, 0);
    EXPECT_EQ(*parts.store().promote_due(std::chrono::system_clock::now() + 1h), 1);
  }

  std::atomic<int> calls_{0};
};

TEST_F(ResendTest, ALongWaitGoesThroughTheStoreAndAttemptsAreCountedOn) {
  be_busy(99, "120");
  const auto parts = open_parts(parts_configuration());
  parts->start();
  push(parts->store(), "busy",
       {.url = server_.url("/busy"), .retry = {.retries = 2, .on = RetryOn{.statuses = {503}}}});

  promote(*parts);
  promote(*parts);

  const auto callback = callbacks(*parts, 1).at(0);
  EXPECT_EQ(std::get<Response>(callback.outcome).status(), 503);
  EXPECT_EQ(std::get<Response>(callback.outcome).request_id(), "busy");
  EXPECT_THAT(server_.requests(), SizeIs(3));
  EXPECT_EQ(parts->status()->jobs.scheduled, 0);
}

TEST_F(ResendTest, APostponedRequestKeepsItsKey) {
  be_busy(2, "61");
  const auto parts = open_parts(parts_configuration());
  parts->start();
  push(parts->store(), "keyed",
       {.method = HttpMethod::kPost,
        .url = server_.url("/busy"),
        .body = "x",
        .retry = {.retries = 1, .on = RetryOn{.statuses = {503}}},
        .idempotency_key = true});
  promote(*parts);
  EXPECT_EQ(std::get<Response>(callbacks(*parts, 1).at(0).outcome).body(), "done");
  for (const ReceivedRequest& request : server_.requests()) {
    EXPECT_EQ(request.header("idempotency-key"), std::vector<std::string>{"keyed"});
  }
}

TEST_F(ResendTest, AShortWaitStaysInTheProcess) {
  be_busy(2, "1");
  const auto parts = open_parts(parts_configuration());
  parts->start();
  push(parts->store(), "short",
       {.url = server_.url("/busy"), .retry = {.retries = 1, .on = RetryOn{.statuses = {503}}}});
  EXPECT_EQ(std::get<Response>(callbacks(*parts, 1).at(0).outcome).body(), "done");
}

TEST_F(ResendTest, AWaitAndItsAttemptsSurviveAStop) {
  be_busy(99, "30");
  {
    const auto parts = open_parts(parts_configuration());
    parts->start();
    push(parts->store(), "busy",
         {.url = server_.url("/busy"), .retry = {.retries = 1, .on = RetryOn{.statuses = {503}}}});
    while (parts->processor().status().parked == 0) std::this_thread::yield();
    parts->stop(0ms);
    EXPECT_EQ(sql("SELECT count(*) FROM schedule"), 1);
    EXPECT_EQ(sql("SELECT count(*) FROM ready"), 0);
  }
  const auto parts = open_parts(parts_configuration());
  parts->start();
  promote(*parts);
  EXPECT_EQ(std::get<Response>(callbacks(*parts, 1).at(0).outcome).status(), 503);
  EXPECT_THAT(server_.requests(), SizeIs(2));
}

TEST_F(ResendTest, DoesNotSendAgainAfterADeathWhatSaysSo) {
  push(*join(), "once", {.url = server_.url("/"), .on_interrupted = OnInterrupted::kError});
  let_processes_die(1);
  const auto parts = open_parts(parts_configuration());
  parts->start();

  const auto callback = callbacks(*parts, 1).at(0);
  const auto& error = std::get<Error>(callback.outcome);
  EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
  EXPECT_THAT(error.message(), HasSubstr("the process that had the request died"));
  EXPECT_EQ(error.request_id(), "once");
  EXPECT_THAT(server_.requests(), IsEmpty());
  EXPECT_EQ(parts->status()->jobs.in_flight, 0);
}

TEST_F(ResendTest, SendsWhatSaysSoOnceWhenNobodyDied) {
  push(*join(), "once", {.url = server_.url("/"), .on_interrupted = OnInterrupted::kError});
  const auto parts = open_parts(parts_configuration());
  parts->start();
  EXPECT_TRUE(std::holds_alternative<Response>(callbacks(*parts, 1).at(0).outcome));
}

TEST_F(ResendTest, ReportsAtAStopWhatMayHaveBeenSent) {
  server_.hang("/hang");
  const auto parts = open_parts(parts_configuration());
  parts->start();
  push(parts->store(), "once",
       {.url = server_.url("/hang"), .on_interrupted = OnInterrupted::kError});
  push(parts->store(), "again", {.url = server_.url("/hang")});
  ASSERT_TRUE(server_.wait_for_requests("/hang", 2));

  parts->stop(0ms);

  EXPECT_EQ(sql("SELECT count(*) FROM ready"), 1);
  EXPECT_EQ(sql("SELECT count(*) FROM callbacks_ready"), 1);
}

}  // namespace
}  // namespace patient_http
