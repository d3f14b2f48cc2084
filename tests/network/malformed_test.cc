// Responses that are not what they say.

#include <gtest/gtest.h>

#include "network/neighbours.h"
#include "patient_http/inline_executor.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::outcome_among_neighbours;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;

struct Case {
  const char* name;
  std::string bytes;
  std::string result;
};

const std::string kOk = "HTTP/1.1 200 OK\r\n";
const std::string kChunkedHead = kOk + "transfer-encoding: chunked\r\n\r\n";

std::ostream& operator<<(std::ostream& out, const Case& tested) {
  return out << tested.name;
}

class MalformedTest : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(
    Responses, MalformedTest,
    testing::Values(
        Case{"GarbageStatusLine", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "error protocol"},
        Case{"BinaryGarbage", std::string("\x15\x03\x01\x00\x02\x02\x50", 7), "error protocol"},
        Case{"StatusWithoutNumber", "HTTP/1.1 OK\r\n\r\n", "error protocol"},
        Case{"AnotherVersion", "HTTP/7 200 OK\r\n\r\n", "error protocol"},
        Case{"Http09", "<html>hello</html>", "error protocol"},
        Case{"HeaderWithoutColon", kOk + "nonsense\r\n\r\n", "error protocol"},
        Case{"NulInAHeader", kOk + std::string("x: a\0b\r\n\r\n", 10), "error protocol"},
        Case{"ChunkSizeOfLetters", kChunkedHead + "xyz\r\nabc\r\n0\r\n\r\n", "error protocol"},
        Case{"ChunkSizeTooLarge", kChunkedHead + "ffffffffffffffffff\r\na", "error protocol"},
        Case{"ChunkLongerThanItSays", kChunkedHead + "2\r\nabc\r\n0\r\n\r\n", "error protocol"},
        Case{"ChunkShorterThanItSays", kChunkedHead + "9\r\nabc\r\n0\r\n\r\n", "error closed"},
        Case{"NoLastChunk", kChunkedHead + "3\r\nabc\r\n", "error closed"},
        Case{"LengthTooLarge", kOk + "content-length: 9\r\n\r\nabc", "error closed"},
        Case{"LengthTooSmall", kOk + "content-length: 2\r\n\r\nabc", "ab"},
        Case{"LengthOfLetters", kOk + "content-length: ten\r\n\r\nabc", "error protocol"},
        Case{"LengthOver64Bits", kOk + "content-length: 99999999999999999999\r\n\r\n",
             "error protocol"},
        Case{"LengthOverTheLimit", kOk + "content-length: 1048577\r\n\r\n",
             "error response_too_large"},
        Case{"BadGzip", kOk + "content-encoding: gzip\r\n\r\nplain", "error decode"},
        Case{"BadBrotli", kOk + "content-encoding: br\r\n\r\nplain text", "error decode"},
        Case{"BadZstd", kOk + "content-encoding: zstd\r\n\r\nplain text", "error decode"},
        Case{"UnaskedContinue",
             "HTTP/1.1 100 Continue\r\n\r\n" + kOk + "content-length: 2\r\n\r\nok", "ok"},
        Case{"ContinueAndNothingElse", "HTTP/1.1 100 Continue\r\n\r\n", "error closed"},
        Case{"UnaskedUpgrade", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
             "error protocol"}),
    [](const auto& tested) { return tested.param.name; });

TEST_P(MalformedTest, ComesToTheRightEndAndDisturbsNobody) {
  TestHttpServer server;
  server.answer_raw("/", GetParam().bytes);
  const auto outcome = outcome_among_neighbours({.url = server.url("/")},
                                                {.request_timeout = Seconds{60}, .retries = 0});
  EXPECT_EQ(outcome.text, GetParam().result) << outcome.message;
  EXPECT_LT(outcome.took.count(), 20);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(LyingLengthTest, TakesWhatFollowsAResponseForNobodysAnswer) {
  // A second response that nobody asked for must not be the answer to the next request.
  TestHttpServer server;
  server.on("/first", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst" +
              TestHttpServer::response(200, "smuggled"));
  });
  server.answer("/second", 200, "second");
  InlineExecutor executor(ProcessorOptions{.request_timeout = Seconds{60}, .retries = 0});
  EXPECT_EQ(executor.send(Request::create({.url = server.url("/first")}).value())->body(), "first");
  EXPECT_EQ(executor.send(Request::create({.url = server.url("/second")}).value())->body(),
            "second");
  EXPECT_EQ(server.connection_count(), 2);
}

TEST(LyingLengthTest, WaitsForMissingBytesNoLongerThanTheIdleTimeout) {
  TestHttpServer server;
  server.on("/", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfive!");
    peer.wait_for_peer_to_close();
  });
  ProcessorOptions options{.request_timeout = Seconds{60}, .retries = 0};
  options.idle_timeout = Seconds{1};
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, options);
  EXPECT_EQ(outcome.text, "error idle_timeout") << outcome.message;
  EXPECT_GE(outcome.took.count(), 1);
  EXPECT_LT(outcome.took.count(), 20);
}

}  // namespace
}  // namespace patient_http
