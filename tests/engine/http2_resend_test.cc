// What is sent again over HTTP/2 because it was not carried out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "patient_http/inline_executor.h"
#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_http2_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::Http2Peer;
using test::Http2Received;
using test::make_task;
using test::RecordingTaskHandler;
using test::TestCertificate;
using test::TestHttp2Server;
using testing::HasSubstr;

constexpr std::uint32_t kRefusedStream = 7;
constexpr std::uint32_t kEnhanceYourCalm = 11;

class Http2ResendTest : public testing::Test {
 protected:
  Http2ResendTest() { options_.ca_file = TestCertificate::get().ca_file; }

  // "200" and the body, or the error.
  static std::string send(InlineExecutor& executor, const RequestOptions& request) {
    const auto result = executor.send(Request::create(request).value());
    return result ? "200 " + result->body().value_or("") : result.error().message();
  }
  [[nodiscard]] std::ptrdiff_t count(const std::string& path) const {
    const auto requests = server_.requests();
    return std::count_if(requests.begin(), requests.end(),
                         [&](const Http2Received& each) { return each.header(":path") == path; });
  }

  TestHttp2Server server_;
  ProcessorOptions options_{.retries = 0, .retry_delay = Seconds{0.001}};
};

TEST_F(Http2ResendTest, RetriesAPostThatIsRefusedTooOftenToBeSentForNothing) {
  // It failed with "may have been carried out" though the server had said that it was not.
  server_.on("/busy", [](const Http2Received& request, Http2Peer& peer) {
    peer.reset(request.stream, kRefusedStream);
  });
  options_.retries = 2;
  InlineExecutor executor(options_);
  const std::string result =
      send(executor, {.method = HttpMethod::kPost, .url = server_.url("/busy"), .body = "x"});
  EXPECT_THAT(result, HasSubstr("REFUSED_STREAM"));
  EXPECT_THAT(result, HasSubstr("(after 3 attempts)"));
  EXPECT_EQ(count("/busy"), 12);  // three for nothing in each attempt
}

TEST_F(Http2ResendTest, GivesAServerTimeThatRefusesASecondTime) {
  server_.on("/busy", [](const Http2Received&, Http2Peer& peer) {
    peer.goaway(0, kEnhanceYourCalm);
    peer.close();
  });
  options_.retry_delay = options_.longest_retry_delay = Seconds{1000};
  options_.request_timeout = Seconds{1e6};
  RecordingTaskHandler handler;
  Processor processor(options_);
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server_.url("/busy"), handler)).has_value());
  while (processor.status().parked == 0) std::this_thread::yield();
  EXPECT_EQ(count("/busy"), 2);
  processor.stop(0ms);
  EXPECT_TRUE(handler.wait_for(1).at(0).is_retry());
}

TEST_F(Http2ResendTest, DoesNotWaitForARefusingServerBeyondTheTimeout) {
  server_.on("/busy", [](const Http2Received& request, Http2Peer& peer) {
    peer.reset(request.stream, kRefusedStream);
  });
  options_.retry_delay = options_.longest_retry_delay = Seconds{1e6};
  InlineExecutor executor(options_);
  EXPECT_THAT(send(executor, {.url = server_.url("/busy")}), HasSubstr("REFUSED_STREAM"));
  EXPECT_EQ(count("/busy"), 2);
}

TEST_F(Http2ResendTest, SendsAgainWhatCrossedTheEndOfAnIdleConnection) {
  server_.on("/work", [](const Http2Received& request, Http2Peer& peer) {
    if (request.connection == 1) return peer.close();
    peer.respond(request.stream, 200, "again");
  });
  InlineExecutor executor(options_);
  EXPECT_EQ(send(executor, {.url = server_.url("/")}), "200 ok");
  EXPECT_EQ(send(executor, {.method = HttpMethod::kPut, .url = server_.url("/work")}), "200 again");
  EXPECT_EQ(count("/work"), 2);
}

TEST_F(Http2ResendTest, DoesNotSendAgainWhatABusyConnectionTookWithIt) {
  server_.hang("/long");
  server_.on("/work", [](const Http2Received&, Http2Peer& peer) { peer.close(); });
  RecordingTaskHandler handler;
  Processor processor(options_);
  processor.start();
  const auto enqueue = [&](const std::string& path) {
    auto task =
        make_task({.method = HttpMethod::kPut, .url = server_.url(path)}, handler, {.id = path});
    ASSERT_TRUE(processor.enqueue(std::move(task)).has_value());
  };
  enqueue("/");
  static_cast<void>(handler.wait_for(1));
  enqueue("/long");
  ASSERT_TRUE(server_.wait_for_requests(2));
  enqueue("/work");
  while (processor.status().errors == 0) std::this_thread::yield();
  EXPECT_EQ(count("/work"), 1);
  processor.stop(0ms);
}

}  // namespace
}  // namespace patient_http
