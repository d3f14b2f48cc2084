// How much of requests and results is in memory at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "service/faulty_store.h"
#include "service/parts_fixture.h"
#include "support/program.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::FaultyStore;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;
using testing::HasSubstr;

constexpr std::size_t kRequests = 10;
constexpr std::size_t kBody = 100'000;

class MemoryTest : public test::PartsFixture {
 protected:
  void push_large_requests() {
    std::vector<jobs::NewJob> all;
    for (std::size_t i = 0; i < kRequests; ++i) {
      const std::string id = "large " + std::to_string(i);
      const Request request = Request::create({.method = HttpMethod::kPost,
                                               .url = server_.url("/large"),
                                               .body = std::string(kBody, 'b')})
                                  .value();
      all.push_back(
          {id, jobs::make_request_job(request, {.jid = id, .request_id = id, .callback = "Note"})});
    }
    ASSERT_TRUE(join()->push(all, {}).has_value());
  }
  // A request counts as its job and its body: the first and the second fit.
  [[nodiscard]] Configuration with_little_memory() {
    Configuration configured = parts_configuration();
    configured.request_memory = 3 * kBody;
    return configured;
  }
};

TEST_F(MemoryTest, TakesNoMoreRequestsThanItHolds) {
  std::mutex mutex;
  int now = 0;
  int most = 0;
  server_.on("/large", [&](const ReceivedRequest&, ServerConnection& peer) {
    {
      const std::lock_guard lock(mutex);
      most = std::max(most, ++now);
    }
    server_.wait_for_release();
    {
      const std::lock_guard lock(mutex);
      --now;
    }
    peer.send(TestHttpServer::response(200, "ok"));
  });
  push_large_requests();
  const auto parts = open_parts(with_little_memory());
  parts->start();
  ASSERT_TRUE(server_.wait_for_requests("/large", 2));
  ASSERT_TRUE(test::wait_until(
      [&] { return log_.text().find("no more requests are taken for now") != std::string::npos; }));
  EXPECT_EQ(server_.requests().size(), 2U);
  EXPECT_EQ(parts->status()->jobs.in_flight, static_cast<std::int64_t>(kRequests))
      << "the others are claimed, and wait";
  server_.release();
  EXPECT_EQ(callbacks(*parts, kRequests).size(), kRequests);
  EXPECT_EQ(server_.requests().size(), kRequests);
  EXPECT_LE(most, 2);
}

TEST_F(MemoryTest, PutsBackWhatWaitsForMemoryAtAStop) {
  server_.hang("/large");
  push_large_requests();
  const auto parts = open_parts(with_little_memory());
  parts->start();
  ASSERT_TRUE(server_.wait_for_requests("/large", 2));
  parts->stop(0ms);
  EXPECT_EQ(server_.requests().size(), 2U);
  EXPECT_EQ(sql("SELECT count(*) FROM in_flight"), 0);
  EXPECT_EQ(parts->left_behind(), 0U);
}

TEST_F(MemoryTest, TakesARequestThatIsLargerThanAllOfIt) {
  Configuration configured = parts_configuration();
  configured.request_memory = 1;
  push_large_requests();
  const auto parts = open_parts(std::move(configured));
  parts->start();
  EXPECT_EQ(callbacks(*parts, kRequests).size(), kRequests);
}

TEST_F(MemoryTest, TakesNoMoreRequestsWhileResultsThatCannotBeStoredHoldIt) {
  // Their responses could not be read: they would time out, and might have been paid for.
  auto store = std::make_unique<FaultyStore>(join());
  FaultyStore& faulty = *store;
  Configuration configured = parts_configuration();
  configured.processor.body_memory = kBody;
  faulty.refuses_results = true;
  server_.answer("/large", 200, std::string(kBody, 'r'));
  std::atomic<bool> came_too_early{false};
  server_.on("/late", [&](const ReceivedRequest&, ServerConnection& peer) {
    came_too_early = faulty.refuses_results.load();
    peer.send(TestHttpServer::response(200, "late"));
  });
  const auto parts = ServiceParts::with_store(std::move(configured), std::move(store));
  push_request(faulty, "large", "/large");
  parts->start();
  ASSERT_TRUE(test::wait_until([&] { return faulty.refused_results > 0; }));
  push_request(faulty, "late", "/late");
  ASSERT_TRUE(test::wait_until(
      [&] { return log_.text().find("no more requests are taken for now") != std::string::npos; }));
  EXPECT_EQ(server_.requests().size(), 1U);
  faulty.refuses_results = false;
  EXPECT_EQ(callbacks(*parts, 2).size(), 2U);
  EXPECT_FALSE(came_too_early);
}

TEST_F(MemoryTest, TakesFurtherRequestsAfterResultsThatCouldNotBeHandedOver) {
  auto store = std::make_unique<FaultyStore>(join());
  FaultyStore& faulty = *store;
  Configuration configured = parts_configuration();
  configured.request_memory = 1;
  faulty.throws_at_results = true;
  server_.answer("/first", 200, "first");
  server_.answer("/second", 200, "second");
  const auto parts = ServiceParts::with_store(std::move(configured), std::move(store));
  push_request(faulty, "first", "/first");
  parts->start();
  ASSERT_TRUE(test::wait_until(
      [&] { return log_.text().find("a task handler failed") != std::string::npos; }));
  push_request(faulty, "second", "/second");
  EXPECT_EQ(callbacks(*parts, 1).size(), 1U);
  EXPECT_EQ(parts->left_behind(), 1U);
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(MemoryTest, WantsSome) {
  Configuration configured = parts_configuration();
  configured.request_memory = 0;
  EXPECT_THAT(configured.validate(),
              testing::ElementsAre("request_memory must be a positive number"));
}

}  // namespace
}  // namespace patient_http
