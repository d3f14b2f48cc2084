// Servers that mean harm: each ends in a typed error, in time, in little memory, and the neighbours
// notice nothing. docs/security.md has the list of attacks, and where the others are tested.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "drivers/codec/gzip.h"
#include "network/neighbours.h"
#include "support/resident_memory.h"
#include "support/test_certificate.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::kMemoryIsOurs;
using test::MemoryGrowth;
using test::Outcome;
using test::outcome_among_neighbours;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestCertificate;
using test::TestHttpServer;

constexpr std::size_t kMebibyte = std::size_t{1} << 20;
// What the threads, sockets and servers of a test take, whatever is attacked.
constexpr std::size_t kMostGrowth = 32 * kMebibyte;
// What those servers send who never end: far more than may be held.
constexpr std::size_t kEndless = 128 * kMebibyte;

const std::string kOk = "HTTP/1.1 200 OK\r\n";

std::string repeated(const std::string& piece, std::size_t size) {
  std::string all;
  all.reserve(size + piece.size());
  while (all.size() < size) all += piece;
  return all;
}

// 64 MiB of one letter in 48 bytes.
std::string brotli_bomb() {
  return *base::base64_decode(
      "z///fwAkAOKxQHLv//n//w+ABEAcFoDu/T////8BkACIwwLQvf/P//9/ABIAcVgAuvf/");
}
// A gibibyte of it, a MiB in each frame.
std::string zstd_bomb() {
  const std::string frame =
      *base::base64_decode("KLUv/QBoTAAACAABAPz/ORACAgAQAAIAEAACABAAAgAQAAIAEAACABAAAwAQAA==");
  return repeated(frame, 1024 * frame.size());
}
// More than a gibibyte.
std::string gzip_bomb() {
  return repeated(codec::gzip(std::string(16 * kMebibyte, 'b')), kMebibyte);
}

class AttackTest : public testing::Test {
 protected:
  AttackTest() {
    options_.retries = 0;
    options_.request_timeout = Seconds{60};  // it is not the time that ends them
  }

  // What became of a GET for "/", which ended in time and in little memory.
  Outcome attacked() {
    const MemoryGrowth growth;
    Outcome outcome = outcome_among_neighbours({.url = server_.url("/")}, options_);
    EXPECT_LT(outcome.took.count(), 20) << outcome.message;
    if (kMemoryIsOurs) {
      EXPECT_LT(growth.bytes(), kMostGrowth) << outcome.text;
    }
    return outcome;
  }
  void answer_encoded(const std::string& coding, const std::string& body) {
    server_.answer("/", 200, body, "content-encoding: " + coding + "\r\n");
  }
  // Sends `begin`, and then `piece` as long as somebody takes it.
  void send_endlessly(const std::string& begin, const std::string& piece) {
    server_.on("/", [begin, block = repeated(piece, 4096)](const ReceivedRequest&,
                                                           ServerConnection& peer) {
      if (!peer.send(begin)) return;
      for (std::size_t sent = 0; sent < kEndless && peer.send(block);) sent += block.size();
    });
  }

  TestHttpServer server_;
  ProcessorOptions options_;
};

TEST_F(AttackTest, BombsInEveryEncodingEndAtTheLimit) {
  answer_encoded("gzip", gzip_bomb());
  EXPECT_EQ(attacked().text, "error response_too_large");
  answer_encoded("br", brotli_bomb());
  EXPECT_EQ(attacked().text, "error response_too_large");
  answer_encoded("zstd", zstd_bomb().substr(0, kMebibyte / 2));
  EXPECT_EQ(attacked().text, "error response_too_large");
}

TEST_F(AttackTest, BombsInsideBombsEndAtTheLimit) {
  answer_encoded("br, gzip", codec::gzip(brotli_bomb()));
  EXPECT_EQ(attacked().text, "error response_too_large");
  answer_encoded("gzip, gzip", codec::gzip(gzip_bomb()));
  EXPECT_EQ(attacked().text, "error response_too_large");
}

TEST_F(AttackTest, AnEnormousZstdWindowIsRefused) {
  // A frame that asks for windows of 16 MiB, and of 2 GiB, before it has a byte of content.
  for (const char window : {'\x70', '\xa8'}) {
    std::string frame("\x28\xb5\x2f\xfd\0", 5);
    frame += window;
    frame += std::string("\x29\0\0hello", 8);
    answer_encoded("zstd", frame);
    const Outcome outcome = attacked();
    EXPECT_EQ(outcome.text, "error decode");
    EXPECT_THAT(outcome.message, testing::HasSubstr("too much memory"));
  }
}

TEST_F(AttackTest, EndlessHeadersAndBodiesEndAtTheirLimits) {
  send_endlessly(kOk, "x-header: value\r\n");
  EXPECT_EQ(attacked().text, "error headers_too_large");
  send_endlessly(kOk + "x-header: ", "value ");
  EXPECT_EQ(attacked().text, "error headers_too_large");
  send_endlessly("", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
  EXPECT_EQ(attacked().text, "error headers_too_large");
  send_endlessly(kOk + "\r\n", "body");
  EXPECT_EQ(attacked().text, "error response_too_large");
}

TEST_F(AttackTest, TenGigabytesArePromisedAndNoneIsWaitedFor) {
  server_.on("/", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(kOk + "content-length: 10737418240\r\n\r\nx");
    peer.wait_for_peer_to_close();
  });
  EXPECT_EQ(attacked().text, "error response_too_large");
  // A chunk of that size.
  send_endlessly(kOk + "transfer-encoding: chunked\r\n\r\n280000000\r\n", "x");
  EXPECT_EQ(attacked().text, "error response_too_large");
}

TEST_F(AttackTest, AByteAMinuteEndsAtTheLeastThroughput) {
  server_.on("/", [this](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(kOk + "content-length: 1000\r\n\r\n");
    while (peer.send(".") && !server_.wait_for_release(60s)) {
    }
  });
  options_.min_throughput = 2;
  options_.min_throughput_time = Seconds{2};
  options_.idle_timeout = Seconds{50};
  const Outcome outcome = attacked();
  EXPECT_EQ(outcome.text, "error throughput_timeout") << outcome.message;
  EXPECT_GE(outcome.took.count(), 2);
}

TEST_F(AttackTest, AHeadOfAByteAMinuteEndsAtTheFirstByteTimeout) {
  // Its first bytes make no answer: the clock runs until the head is whole.
  server_.on("/", [this](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(kOk + "x: ");
    while (peer.send(".") && !server_.wait_for_release(60s)) {
    }
  });
  options_.first_byte_timeout = Seconds{1};
  EXPECT_EQ(attacked().text, "error first_byte_timeout");
}

TEST_F(AttackTest, ACertificateChainOfAMegabyteIsNotHeld) {
  TestHttpServer server(&TestCertificate::get());
  server.pad_certificate_chain(1'000'000);
  options_.ca_file = TestCertificate::get().ca_file;
  const MemoryGrowth growth;
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, options_);
  EXPECT_EQ(outcome.text, "error tls") << outcome.message;
  if (kMemoryIsOurs) {
    EXPECT_LT(growth.bytes(), kMostGrowth);
  }
}

TEST_F(AttackTest, ALocationInjectsNoHeader) {
  // Line breaks that are encoded stay so.
  server_.answer("/", 302, "", "location: /to?a=%0d%0ax-evil:%201%0d%0a%0d%0aGET%20/evil\r\n");
  EXPECT_EQ(attacked().text, "ok");
  ASSERT_EQ(server_.requests().size(), 2U);
  const ReceivedRequest hop = server_.requests()[1];
  EXPECT_THAT(hop.target, testing::StartsWith("/to?a=%0d%0ax-evil:%201"));
  EXPECT_TRUE(hop.header("x-evil").empty());
  // Others do not come to be one.
  for (const char* const end : {"\rx-evil: 1", "\tx-evil: 1", "\x01x-evil: 1"}) {
    server_.answer("/", 302, "", std::string("location: /to") + end + "\r\n");
    const Outcome outcome = attacked();
    EXPECT_THAT(outcome.text, testing::AnyOf("error protocol", "error invalid_redirect", "ok"))
        << outcome.message;
  }
  for (const ReceivedRequest& request : server_.requests()) {
    EXPECT_TRUE(request.header("x-evil").empty()) << request.head;
  }
}

}  // namespace
}  // namespace patient_http
