// Servers that never come to an end: what is bounded by no Content-Length is bounded by a limit.

#include <gtest/gtest.h>

#include "network/neighbours.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::outcome_among_neighbours;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;

// What the buffers of two sockets may take beside what is read.
constexpr std::size_t kMostBuffered = std::size_t{32} << 20;

class FloodTest : public testing::Test {
 protected:
  // What comes of `begin` and then `repeated` without end.
  std::string result_of(const std::string& begin, const std::string& repeated) {
    std::string block;
    while (block.size() < 4096) block.append(repeated);
    TestHttpServer server;
    std::atomic<std::size_t> taken{0};
    server.on("/", [&](const ReceivedRequest&, ServerConnection& peer) {
      if (!peer.send(begin)) return;
      while (taken <= kMostBuffered && peer.send(block)) taken += block.size();
    });
    // The limits must hit, not the time.
    ProcessorOptions options{.request_timeout = Seconds{60}, .retries = 0};
    const auto outcome = outcome_among_neighbours({.url = server.url("/")}, options);
    EXPECT_LT(outcome.took.count(), 20) << outcome.message;
    EXPECT_LE(taken, kMostBuffered) << "the connection is closed where the limit is reached";
    return outcome.text;
  }
};

const std::string kOk = "HTTP/1.1 200 OK\r\n";
const std::string kChunkedHead = kOk + "transfer-encoding: chunked\r\n\r\n";

TEST_F(FloodTest, OfHeadersEndsAtTheirLimit) {
  EXPECT_EQ(result_of(kOk, "x-header: value\r\n"), "error headers_too_large");
  EXPECT_EQ(result_of(kOk + "x-header: ", "value "), "error headers_too_large");
  EXPECT_EQ(result_of(kOk, "name"), "error headers_too_large");
  EXPECT_EQ(result_of("HTTP/1.1 200 ", "reason "), "error headers_too_large");
}

TEST_F(FloodTest, OfInformationalResponsesEndsAtTheLimitOfHeaders) {
  EXPECT_EQ(result_of("", "HTTP/1.1 100 Continue\r\n\r\n"), "error headers_too_large");
  EXPECT_EQ(result_of("", "HTTP/1.1 103\r\n\r\n"), "error headers_too_large");
  EXPECT_EQ(result_of("", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
            "error headers_too_large");
}

TEST_F(FloodTest, OfTrailersEndsAtTheLimitOfHeaders) {
  EXPECT_EQ(result_of(kChunkedHead + "1\r\na\r\n0\r\n", "x-trailer: value\r\n"),
            "error headers_too_large");
  EXPECT_EQ(result_of(kChunkedHead + "1\r\na\r\n0\r\nx-trailer: ", "value "),
            "error headers_too_large");
}

TEST_F(FloodTest, OfBodyEndsAtItsLimit) {
  EXPECT_EQ(result_of(kOk + "\r\n", "body"), "error response_too_large");
  EXPECT_EQ(result_of(kChunkedHead, "1\r\na\r\n"), "error response_too_large");
  EXPECT_EQ(result_of(kChunkedHead, "8\r\nabcdefgh\r\n"), "error response_too_large");
}

TEST_F(FloodTest, OfNothingUsefulEndsToo) {
  EXPECT_EQ(result_of(kChunkedHead + "1;x=", "extension"), "error headers_too_large");
  EXPECT_EQ(result_of(kChunkedHead, "0000000000"), "error headers_too_large");
  EXPECT_EQ(result_of("", "\r\n"), "error headers_too_large");
}

TEST_F(FloodTest, OfCompressedNothingEnds) {
  // Empty gzip members and skippable zstd frames make no body, but they are bytes on the wire.
  const std::string empty_member("\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0", 20);
  EXPECT_EQ(result_of(kOk + "content-encoding: gzip\r\n\r\n", empty_member),
            "error response_too_large");
  const std::string skippable("\x50\x2a\x4d\x18\0\0\0\0", 8);
  EXPECT_EQ(result_of(kOk + "content-encoding: zstd\r\n\r\n", skippable),
            "error response_too_large");
}

}  // namespace
}  // namespace patient_http
