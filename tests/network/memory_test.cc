// Servers that send a part of a body and then fall silent, so many that all memory for bodies is
// theirs.

#include <gtest/gtest.h>

#include <algorithm>

#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::make_task;
using test::ReceivedRequest;
using test::RecordingTaskHandler;
using test::ServerConnection;
using test::TestHttpServer;

constexpr std::size_t kMegabyte = 1'000'000;
constexpr std::size_t kStalled = 12;
constexpr std::size_t kHealthy = 40;

TEST(MemoryTest, StaysBoundedBesideServersThatStallAndTheOthersComeThrough) {
  // Each second the right to overdraw went on to another one that stalled: memory grew by a
  // response a second.
  TestHttpServer server;
  server.on("/stalls", [&server](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" +
              std::string(2 * kMegabyte, 's'));
    server.wait_for_release();
  });
  server.answer("/whole", 200, std::string(kMegabyte / 2, 'w'));
  ProcessorOptions options{.max_connections = 100, .request_timeout = Seconds{120}};
  options.retries = 0;
  options.max_response_size = 3 * kMegabyte;
  options.body_memory = 2 * kMegabyte;
  RecordingTaskHandler stalled;
  RecordingTaskHandler healthy;
  Processor processor(options);
  processor.start();
  for (std::size_t i = 0; i < kStalled; ++i) {
    ASSERT_TRUE(processor.enqueue(make_task({.url = server.url("/stalls")}, stalled)).has_value());
  }
  ASSERT_TRUE(server.wait_for_requests("/stalls", kStalled));
  for (std::size_t i = 0; i < kHealthy; ++i) {
    ASSERT_TRUE(processor.enqueue(make_task({.url = server.url("/whole")}, healthy)).has_value());
  }

  std::size_t peak = 0;
  const auto until = steady_clock::now() + 60s;
  std::vector<test::RecordedOutcome> outcomes;
  while (outcomes.size() < kHealthy && steady_clock::now() < until) {
    peak = std::max(peak, processor.status().body_bytes);
    static_cast<void>(processor.wait_until_idle(2ms));
    outcomes = healthy.wait_for(0);
  }

  ASSERT_EQ(outcomes.size(), kHealthy);
  for (const auto& outcome : outcomes) {
    ASSERT_TRUE(outcome.response.has_value()) << outcome.error->message();
    EXPECT_EQ(outcome.response->body()->size(), kMegabyte / 2);
  }
  // Twice the memory, the one that reads on, and a little of each that began.
  EXPECT_LT(peak, 2 * options.body_memory + options.max_response_size + kMegabyte / 2);
  EXPECT_GT(peak, options.body_memory) << "nothing was overdrawn: this tests nothing";
  processor.interrupt();
  std::size_t given_up = 0;
  for (const auto& outcome : stalled.wait_for(kStalled)) {
    if (!outcome.error) continue;
    EXPECT_EQ(outcome.error->kind(), ErrorKind::kBodyMemory) << outcome.error->message();
    ++given_up;
  }
  EXPECT_GT(given_up, 0U);
  server.release();
}

}  // namespace
}  // namespace patient_http
