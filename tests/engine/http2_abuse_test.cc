// HTTP/2 servers that break the rules, or wear them out: each ends in a typed error, soon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "patient_http/inline_executor.h"
#include "support/test_http2_server.h"

namespace patient_http {
namespace {

using test::Http2Headers;
using test::Http2Peer;
using test::Http2Received;
using test::TestCertificate;
using test::TestHttp2Server;
using testing::HasSubstr;

constexpr std::uint8_t kData = 0;
constexpr std::uint8_t kHeaders = 1;
constexpr std::uint8_t kRstStream = 3;
constexpr std::uint8_t kSettings = 4;
constexpr std::uint8_t kPushPromise = 5;
constexpr std::uint8_t kPing = 6;
constexpr std::uint8_t kContinuation = 9;
constexpr std::uint8_t kUnknownType = 0x42;
constexpr std::uint8_t kEndHeaders = 4;

// What comes of a GET that is answered with these bytes.
std::string answered_with(const std::function<std::string(std::int32_t)>& bytes) {
  TestHttp2Server server;
  server.on("/", [&bytes](const Http2Received& request, Http2Peer& peer) {
    peer.raw(bytes(request.stream));
  });
  ProcessorOptions options{.request_timeout = Seconds{20}, .retries = 0};
  options.ca_file = TestCertificate::get().ca_file;
  InlineExecutor executor(options);
  const auto result = executor.send(Request::create({.url = server.url("/")}).value());
  if (result) return std::to_string(result->status());
  return std::string(to_string(result.error().kind())) + ": " + result.error().message();
}

std::string many(std::size_t count, const std::string& frame) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += frame;
  return bytes;
}

// HPACK: ":status: 200", and a new name in the dynamic table.
const std::string kStatus200 = "\x88";

TEST(Http2AbuseTest, FloodsOfFramesThatBringNothing) {
  const auto flood = [](std::uint8_t type, const std::string& payload, bool is_of_stream,
                        std::size_t count = 20'000) {
    return answered_with([=](std::int32_t stream) {
      return TestHttp2Server::frame(kHeaders, kEndHeaders, stream, kStatus200) +
             many(count, TestHttp2Server::frame(type, 0, is_of_stream ? stream : 0, payload));
    });
  };
  EXPECT_THAT(flood(kPing, std::string(8, 'p'), false), HasSubstr("protocol: "));
  EXPECT_THAT(flood(kSettings, "", false), HasSubstr("protocol: "));
  EXPECT_THAT(flood(kData, "", true), HasSubstr("protocol: "));
  EXPECT_THAT(flood(kUnknownType, "", true, 500'000), HasSubstr("protocol: "));
}

TEST(Http2AbuseTest, FramesOnStreamsThatNobodyOpened) {
  EXPECT_THAT(answered_with([](std::int32_t) { return TestHttp2Server::frame(kData, 0, 99, "x"); }),
              HasSubstr("broke the rules of HTTP/2"));
  EXPECT_THAT(answered_with([](std::int32_t) {
                return TestHttp2Server::frame(kRstStream, 0, 99, std::string(4, '\0'));
              }),
              HasSubstr("broke the rules of HTTP/2"));
}

TEST(Http2AbuseTest, PushesThatNobodyAllowed) {
  EXPECT_THAT(answered_with([](std::int32_t stream) {
                return TestHttp2Server::frame(kPushPromise, kEndHeaders, stream,
                                              std::string("\0\0\0\2\x82", 5));
              }),
              HasSubstr("broke the rules of HTTP/2"));
}

TEST(Http2AbuseTest, GarbageInAHeaderBlock) {
  EXPECT_THAT(answered_with([](std::int32_t stream) {
                return TestHttp2Server::frame(kHeaders, kEndHeaders, stream,
                                              "\xff\xff\xff\xff\xff");
              }),
              HasSubstr("broke the rules of HTTP/2"));
}

TEST(Http2AbuseTest, HeadThatNeverEnds) {
  EXPECT_THAT(answered_with([](std::int32_t stream) {
                return TestHttp2Server::frame(kHeaders, 0, stream, kStatus200) +
                       many(1000, TestHttp2Server::frame(kContinuation, 0, stream, "\x88"));
              }),
              HasSubstr("protocol: "));
}

TEST(Http2AbuseTest, HeadThatGrowsWhenItIsUnpacked) {
  // A field of 4,000 bytes goes into the table once, and is then named by one byte each.
  EXPECT_THAT(answered_with([](std::int32_t stream) {
                const std::string field =
                    std::string("\x40\x01x\x7f\xa1\x1e", 6) + std::string(4000, 'v');
                return TestHttp2Server::frame(kHeaders, kEndHeaders, stream,
                                              kStatus200 + field + std::string(10'000, '\xbe'));
              }),
              HasSubstr("headers_too_large: "));
}

TEST(Http2AbuseTest, BodyThatIsNotAsLongAsItsHeadSays) {
  TestHttp2Server server;
  server.on("/long", [](const Http2Received& request, Http2Peer& peer) {
    peer.respond(request.stream, 200, "four", {{"content-length", "3"}});
  });
  server.on("/short", [](const Http2Received& request, Http2Peer& peer) {
    peer.respond(request.stream, 200, "four", {{"content-length", "5"}});
  });
  ProcessorOptions options{.request_timeout = Seconds{20}, .retries = 0};
  options.ca_file = TestCertificate::get().ca_file;
  InlineExecutor executor(options);
  for (const char* path : {"/long", "/short"}) {
    const auto result = executor.send(Request::create({.url = server.url(path)}).value());
    ASSERT_FALSE(result.has_value()) << path;
    EXPECT_EQ(result.error().kind(), ErrorKind::kProtocol) << path;
  }
  EXPECT_EQ(server.connection_count(), 1);
}

TEST(Http2AbuseTest, MoreFieldsThanTheLimit) {
  TestHttp2Server server;
  server.on("/", [](const Http2Received& request, Http2Peer& peer) {
    peer.respond(request.stream, 200, "x", Http2Headers(300, {"x", "y"}));
  });
  ProcessorOptions options{.request_timeout = Seconds{20}, .retries = 0};
  options.ca_file = TestCertificate::get().ca_file;
  InlineExecutor executor(options);
  const auto result = executor.send(Request::create({.url = server.url("/")}).value());
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kHeadersTooLarge);
}

TEST(Http2AbuseTest, ConnectionThatEndsInsideAResponse) {
  TestHttp2Server server;
  server.on("/", [](const Http2Received& request, Http2Peer& peer) {
    peer.raw(TestHttp2Server::frame(kHeaders, kEndHeaders, request.stream, kStatus200));
    peer.close();
  });
  ProcessorOptions options{.request_timeout = Seconds{20}, .retries = 0};
  options.ca_file = TestCertificate::get().ca_file;
  InlineExecutor executor(options);
  const auto result = executor.send(Request::create({.url = server.url("/")}).value());
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kClosed);
}

}  // namespace
}  // namespace patient_http
