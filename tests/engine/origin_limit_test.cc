// Limits of requests at one origin, and what they mean for the others.

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::make_task;
using test::ReceivedRequest;
using test::RecordedOutcome;
using test::RecordingTaskHandler;
using test::ServerConnection;
using test::TestHttpServer;

class OriginLimitTest : public testing::Test {
 protected:
  OriginLimitTest() {
    slow_.on("/", [this](const ReceivedRequest&, ServerConnection& peer) {
      slow_.wait_for_release();
      peer.send(TestHttpServer::response(200, "slow"));
    });
  }

  Processor& start(ProcessorOptions options) {
    processor_.emplace(options);
    processor_->start();
    return *processor_;
  }
  void enqueue(const std::string& url, const std::string& id) {
    ASSERT_TRUE(processor_->enqueue(get(url, handler_, id)).has_value()) << id;
  }
  void enqueue_slow(int count) {
    for (int i = 0; i < count; ++i) enqueue(slow_.url("/"), "slow " + std::to_string(i));
  }
  void wait_until_parked(std::size_t count) {
    while (processor_->status().parked != count) std::this_thread::yield();
  }

  TestHttpServer slow_;
  TestHttpServer fast_;
  RecordingTaskHandler handler_;
  std::optional<Processor> processor_;
};

TEST_F(OriginLimitTest, SendsNoMoreAtOnceThanTheLimit) {
  std::atomic<int> at_once{0};
  std::atomic<int> most{0};
  fast_.on("/count", [&](const ReceivedRequest&, ServerConnection& peer) {
    most = std::max(most.load(), ++at_once);
    std::this_thread::yield();
    --at_once;
    peer.send(TestHttpServer::response(200, "ok"));
  });
  start({.max_connections = 50, .max_requests_per_origin = 3});
  for (int i = 0; i < 50; ++i) enqueue(fast_.url("/count"), std::to_string(i));
  for (const RecordedOutcome& outcome : handler_.wait_for(50)) {
    EXPECT_TRUE(outcome.response.has_value()) << outcome.id;
  }
  EXPECT_LE(most, 3);
  EXPECT_LE(fast_.connection_count(), 3);
}

TEST_F(OriginLimitTest, DialsWithNoTimeoutForWhoWaitsForAConnection) {
  // "no connection within connection_timeout", though none was being opened.
  start({.max_connections_per_origin = 1, .connection_timeout = Seconds{0.3}, .retries = 0});
  slow_.on("/long", [this](const ReceivedRequest&, ServerConnection& peer) {
    static_cast<void>(slow_.wait_for_release(1s));
    peer.send(TestHttpServer::response(200, "long", "connection: close\r\n"));
  });
  enqueue(slow_.url("/long"), "first");
  enqueue(slow_.url("/long"), "second");
  for (const RecordedOutcome& outcome : handler_.wait_for(2)) {
    EXPECT_TRUE(outcome.response.has_value()) << outcome.error->message();
  }
}

TEST_F(OriginLimitTest, OpensNoMoreConnectionsThanTheLimit) {
  start({.max_connections = 20, .max_connections_per_origin = 2});
  for (int i = 0; i < 20; ++i) enqueue(fast_.url("/"), std::to_string(i));

  for (const RecordedOutcome& outcome : handler_.wait_for(20)) {
    EXPECT_TRUE(outcome.response.has_value()) << outcome.id;
  }
  EXPECT_EQ(fast_.connection_count(), 2);
}

TEST_F(OriginLimitTest, LimitsTheConnectionsOfOneHost) {
  start({.max_connections = 20,
         .max_connections_per_origin = 1,
         .host_limits = {{.host = "127.0.0.1", .max_connections = 3}}});
  enqueue_slow(5);
  ASSERT_TRUE(slow_.wait_for_requests("/", 3));
  for (int i = 0; i < 2; ++i) enqueue(fast_.url("/"), "fast " + std::to_string(i));
  EXPECT_EQ(handler_.wait_for(2).size(), 2U);

  EXPECT_EQ(slow_.connection_count(), 3);
  slow_.release();
  EXPECT_EQ(handler_.wait_for(7).size(), 7U);
  EXPECT_EQ(slow_.connection_count(), 3);
}

TEST_F(OriginLimitTest, ServesThoseWhoWaitInTheirOrder) {
  start({.max_connections = 20, .max_requests_per_origin = 1});
  for (int i = 0; i < 20; ++i) enqueue(fast_.url("/"), std::to_string(i));
  const auto outcomes = handler_.wait_for(20);
  ASSERT_EQ(outcomes.size(), 20U);
  const auto requests = fast_.requests();
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(requests[i].header("x-request-id"), std::vector{std::to_string(i)});
  }
}

TEST_F(OriginLimitTest, ASlowHostWithAFullQuotaDoesNotDelayAnother) {
  start({.max_connections = 4, .host_limits = {{.host = "127.0.0.1", .max_requests = 1}}});
  enqueue_slow(4);
  ASSERT_TRUE(slow_.wait_for_requests("/"));
  wait_until_parked(3);
  EXPECT_EQ(processor_->free_slots(), 3U);
  for (int i = 0; i < 3; ++i) enqueue(fast_.url("/"), "fast " + std::to_string(i));

  EXPECT_EQ(handler_.wait_for(3).size(), 3U);

  slow_.release();
  EXPECT_EQ(handler_.wait_for(7).size(), 7U);
}

TEST_F(OriginLimitTest, TakesNothingInWhileTheParkingRoomIsFull) {
  start({.max_connections = 3, .max_requests_per_origin = 1});
  enqueue_slow(3);
  wait_until_parked(2);
  enqueue_slow(1);
  wait_until_parked(3);
  EXPECT_EQ(processor_->free_slots(), 0U);

  slow_.release();
  EXPECT_EQ(handler_.wait_for(4).size(), 4U);
  EXPECT_EQ(processor_->status().parked, 0U);
}

TEST_F(OriginLimitTest, WaitsInItsSlotWhereTheParkingRoomIsFull) {
  start({.max_connections = 2, .max_requests_per_origin = 1});
  enqueue_slow(2);
  wait_until_parked(1);
  enqueue_slow(1);
  wait_until_parked(2);
  ASSERT_TRUE(processor_->enqueue(get(slow_.url("/"), handler_, "in its slot")).has_value());

  slow_.release();
  EXPECT_EQ(handler_.wait_for(4).size(), 4U);
}

TEST_F(OriginLimitTest, ShowsWhatWaits) {
  start({.max_connections = 4, .max_requests_per_origin = 1});
  enqueue_slow(2);
  wait_until_parked(1);
  const auto tasks = processor_->in_flight(10, 10s);
  ASSERT_TRUE(tasks.has_value());
  ASSERT_EQ(tasks->size(), 2U);
  EXPECT_EQ((*tasks)[1].phase, "host limit");
  EXPECT_EQ((*tasks)[1].attempt, 0);
  slow_.release();
  EXPECT_EQ(handler_.wait_for(2).size(), 2U);
}

TEST_F(OriginLimitTest, TheTimeoutBeginsWithTheRoom) {
  start({.max_connections = 4,
         .max_requests_per_origin = 1,
         .request_timeout = Seconds{0.5},
         .retries = 0});
  enqueue_slow(3);  // 0.5 s each, one after the other
  const auto outcomes = handler_.wait_for(3);
  EXPECT_EQ(slow_.requests().size(), 3U);
  for (const RecordedOutcome& outcome : outcomes) {
    ASSERT_TRUE(outcome.error.has_value());
    EXPECT_EQ(outcome.error->kind(), ErrorKind::kTotalTimeout);
    EXPECT_LT(*outcome.error->duration(), Seconds{10});
  }
  slow_.release();
}

TEST_F(OriginLimitTest, ARedirectWaitsForRoomAtItsTargetWithinItsTimeout) {
  fast_.answer("/to-slow", 302, "", "location: " + slow_.url("/") + "\r\n");
  start({.max_connections = 4, .max_requests_per_origin = 1, .retries = 0});
  enqueue_slow(1);
  ASSERT_TRUE(slow_.wait_for_requests("/"));
  ASSERT_TRUE(processor_
                  ->enqueue(make_task({.url = fast_.url("/to-slow"), .timeout = 1s}, handler_,
                                      {.id = "brief"}))
                  .has_value());
  const auto first = handler_.wait_for(1);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].id, "brief");
  EXPECT_EQ(first[0].error->kind(), ErrorKind::kTotalTimeout);
  EXPECT_NE(first[0].error->message().find("in phase host limit"), std::string::npos)
      << first[0].error->message();

  enqueue(fast_.url("/to-slow"), "patient");
  wait_until_parked(1);
  slow_.release();
  const auto all = handler_.wait_for(3);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[2].id, "patient");
  EXPECT_EQ(all[2].response->body(), "slow");
}

TEST_F(OriginLimitTest, ARedirectThatWaitsCanBeSentAgain) {
  fast_.answer("/to-slow", 302, "", "location: " + slow_.url("/") + "\r\n");
  start({.max_connections = 4,
         .max_requests_per_origin = 1,
         .retries = 1,
         .retry_on = {.timeout = true},
         .retry_delay = Seconds{0.001}});
  enqueue_slow(1);
  ASSERT_TRUE(slow_.wait_for_requests("/"));
  ASSERT_TRUE(processor_
                  ->enqueue(make_task({.url = fast_.url("/to-slow"), .timeout = Seconds{0.5}},
                                      handler_, {.id = "brief"}))
                  .has_value());
  EXPECT_EQ(handler_.wait_for(1).at(0).id, "brief");
  EXPECT_EQ(fast_.requests().size(), 2U);
  slow_.release();
  EXPECT_EQ(handler_.wait_for(2).size(), 2U);
  EXPECT_TRUE(processor_->wait_until_idle(10s));
}

TEST_F(OriginLimitTest, CancelsAndInterruptsWhatWaits) {
  start({.max_connections = 10, .max_requests_per_origin = 1});
  enqueue_slow(5);
  ASSERT_TRUE(slow_.wait_for_requests("/"));
  wait_until_parked(4);
  processor_->cancel("slow 2");
  EXPECT_EQ(handler_.wait_for(1).at(0).error->kind(), ErrorKind::kCancelled);
  processor_->stop(0ms);
  const auto outcomes = handler_.wait_for(5);
  EXPECT_EQ(std::count_if(outcomes.begin(), outcomes.end(), [](auto& o) { return o.is_retry(); }),
            4);
  EXPECT_EQ(slow_.requests().size(), 1U);
  EXPECT_EQ(processor_->status().parked, 0U);
}

TEST_F(OriginLimitTest, TenThousandThatWaitDoNotMakeTurnsLong) {
  start({.max_connections = 10'001, .host_limits = {{.host = "localhost", .max_requests = 1}}});
  for (int i = 0; i < 10'000; ++i) {
    enqueue(slow_.url("/", "localhost"), std::to_string(i));
  }
  ASSERT_TRUE(slow_.wait_for_requests("/"));
  wait_until_parked(9'999);
  enqueue(fast_.url("/"), "fast");
  EXPECT_EQ(handler_.wait_for(1).at(0).id, "fast");
  EXPECT_LT(processor_->status().longest_turn, 1s);
  processor_->stop(0ms);
  EXPECT_EQ(handler_.wait_for(10'001).size(), 10'001U);
}

}  // namespace
}  // namespace patient_http
