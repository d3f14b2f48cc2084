// HTTP/2 connections that end before their time, and what becomes of the requests on them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_http2_server.h"

namespace patient_http {
namespace {

using test::Http2Peer;
using test::Http2Received;
using test::make_task;
using test::RecordedOutcome;
using test::RecordingTaskHandler;
using test::TestCertificate;
using test::TestHttp2Server;
using testing::HasSubstr;

constexpr std::uint8_t kData = 0;
constexpr std::uint8_t kHeaders = 1;
constexpr std::uint8_t kEndStream = 1;
constexpr std::uint8_t kEndHeaders = 4;
const std::string kStatus200 = "\x88";

class Http2FailureTest : public testing::Test {
 protected:
  static ProcessorOptions options_for_tests() {
    ProcessorOptions options{.request_timeout = Seconds{30}, .retries = 0};
    options.retry_delay = Seconds{0.01};
    options.ca_file = TestCertificate::get().ca_file;
    return options;
  }

  void enqueue(Processor& processor, RequestOptions request, const std::string& path) {
    request.url = server_.url(path);
    ASSERT_TRUE(processor.enqueue(make_task(std::move(request), handler_, {.id = path})));
  }
  // By the paths of their requests.
  std::map<std::string, std::string> results(std::size_t count) {
    std::map<std::string, std::string> results;
    for (const RecordedOutcome& outcome : handler_.wait_for(count)) {
      results[outcome.id] = outcome.response ? std::to_string(outcome.response->status()) + " " +
                                                   outcome.response->body().value_or("")
                                             : std::string(to_string(outcome.error->kind())) +
                                                   ": " + outcome.error->message();
    }
    return results;
  }
  std::size_t times_sent(const std::string& path) const {
    const auto requests = server_.requests();
    return static_cast<std::size_t>(std::count_if(
        requests.begin(), requests.end(),
        [&](const Http2Received& request) { return request.header(":path") == path; }));
  }

  TestHttp2Server server_;
  RecordingTaskHandler handler_;
};

TEST_F(Http2FailureTest, KeepsAWholeResponseThatWaitsForTheBudget) {
  // It was thrown away when the server closed the connection, and the request sent again.
  std::int32_t first = 0;
  server_.on("/first", [&](const Http2Received& request, Http2Peer&) { first = request.stream; });
  server_.on("/paid", [&](const Http2Received& request, Http2Peer& peer) {
    // The first response fills the budget, and may overdraw it.
    peer.raw(TestHttp2Server::frame(kHeaders, kEndHeaders, first, kStatus200) +
             TestHttp2Server::frame(kData, 0, first, std::string(2000, 'a')) +
             TestHttp2Server::frame(kData, 0, first, "a"));
    peer.raw(TestHttp2Server::frame(kHeaders, kEndHeaders, request.stream, kStatus200) +
             TestHttp2Server::frame(kData, kEndStream, request.stream, "paid"));
    peer.close();
  });
  ProcessorOptions options = options_for_tests();
  options.body_memory = 1000;
  Processor processor(options);
  processor.start();
  enqueue(processor, {}, "/first");
  ASSERT_TRUE(server_.wait_for_requests(1));

  enqueue(processor,
          {.method = HttpMethod::kPost, .retry = {.retries = 3}, .idempotency_key = true}, "/paid");

  const auto outcomes = results(2);
  EXPECT_THAT(outcomes.at("/first"), HasSubstr("closed: "));
  EXPECT_EQ(outcomes.at("/paid"), "200 paid");
  EXPECT_EQ(times_sent("/paid"), 1U);
}

TEST_F(Http2FailureTest, BrokenRulesAreAFailureOfTheConnectionForWhoHasNoAnswer) {
  // One bad backend ended everything that was on its connection as if each request were at fault.
  const auto hang_at_first = [](const Http2Received& request, Http2Peer& peer) {
    if (request.connection > 1) peer.respond(request.stream, 200, "ok");
  };
  server_.on("/get", hang_at_first);
  server_.on("/post", hang_at_first);
  server_.on("/bad", [](const Http2Received& request, Http2Peer& peer) {
    constexpr std::int32_t kNobodys = 99;
    peer.raw(TestHttp2Server::frame(kHeaders, kEndHeaders, request.stream, kStatus200) +
             TestHttp2Server::frame(kData, 0, kNobodys, "x"));
  });
  Processor processor(options_for_tests());
  processor.start();
  enqueue(processor, {.retry = {.retries = 1}}, "/get");
  enqueue(processor, {.method = HttpMethod::kPost, .retry = {.retries = 1}}, "/post");
  ASSERT_TRUE(server_.wait_for_requests(2));

  enqueue(processor, {.retry = {.retries = 1}}, "/bad");

  const auto outcomes = results(3);
  EXPECT_EQ(outcomes.at("/get"), "200 ok");
  EXPECT_THAT(outcomes.at("/post"), HasSubstr("connection: "));
  EXPECT_THAT(outcomes.at("/post"), HasSubstr("the request may have been carried out"));
  EXPECT_THAT(outcomes.at("/bad"), HasSubstr("protocol: "));
  EXPECT_EQ(server_.connection_count(), 2);
}

}  // namespace
}  // namespace patient_http
