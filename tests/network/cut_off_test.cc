// Responses that break off, at every byte.

#include <gtest/gtest.h>

#include "patient_http/inline_executor.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::ReceivedRequest;
using test::ServerConnection;
using test::TestCertificate;
using test::TestHttpServer;

enum class End { kClose, kReset, kCut };

struct Framing {
  std::string head;
  std::string body;  // on the wire
  std::string content;

  [[nodiscard]] std::string bytes() const { return head + body; }
};

const Framing kLength = {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: b\r\n\r\n", "hello",
                         "hello"};
const Framing kChunked = {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                          "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nx-t: u\r\n\r\n", "hello"};
const Framing kDelimited = {"HTTP/1.1 200 OK\r\nx-a: b\r\n\r\n", "hello", "hello"};
const Framing kAfterContinue = {
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", "ok", "ok"};

class CutOffTest : public testing::TestWithParam<const TestCertificate*> {
 protected:
  CutOffTest() : executor_(options()) {}

  // What comes of the first `size` bytes of a response, and this end.
  std::string result_of(const Framing& framing, std::size_t size, End end) {
    server_.on("/", [bytes = framing.bytes().substr(0, size), end](const ReceivedRequest&,
                                                                   ServerConnection& peer) {
      peer.send(bytes);
      if (end == End::kClose) {
        peer.close();
      } else if (end == End::kReset) {
        peer.reset();
      } else {
        peer.cut();
      }
    });
    const auto result = executor_.send(Request::create({.url = server_.url("/")}).value());
    if (result) return result->body().value_or("(none)");
    return "error " + std::string(to_string(result.error().kind()));
  }

  void expect_errors_up_to_the_end(const Framing& framing, End end, const std::string& error) {
    const std::size_t size = framing.bytes().size();
    for (std::size_t offset = 0; offset < size; ++offset) {
      EXPECT_EQ(result_of(framing, offset, end), error) << offset << " bytes of " << size;
    }
    EXPECT_EQ(result_of(framing, size, end), framing.content);
  }

  [[nodiscard]] static bool is_tls() { return GetParam() != nullptr; }

 private:
  static ProcessorOptions options() {
    ProcessorOptions options{.request_timeout = Seconds{30}, .retries = 0};
    options.ca_file = TestCertificate::get().ca_file;
    return options;
  }

  TestHttpServer server_{GetParam()};
  InlineExecutor executor_;
};

std::string name_of(const testing::TestParamInfo<const TestCertificate*>& tested) {
  return tested.param == nullptr ? "Plain" : "Tls";
}

INSTANTIATE_TEST_SUITE_P(PlainAndTls, CutOffTest, testing::Values(nullptr, &TestCertificate::get()),
                         name_of);

TEST_P(CutOffTest, TellsAResetAtEveryByte) {
  expect_errors_up_to_the_end(kLength, End::kReset, "error reset");
  expect_errors_up_to_the_end(kChunked, End::kReset, "error reset");
  expect_errors_up_to_the_end(kAfterContinue, End::kReset, "error reset");
}

TEST_P(CutOffTest, TellsAnOrderlyEndAtEveryByte) {
  expect_errors_up_to_the_end(kLength, End::kClose, "error closed");
  expect_errors_up_to_the_end(kChunked, End::kClose, "error closed");
  expect_errors_up_to_the_end(kAfterContinue, End::kClose, "error closed");
}

TEST_P(CutOffTest, TellsAnEndWithoutCloseNotifyAtEveryByte) {
  expect_errors_up_to_the_end(kLength, End::kCut, "error closed");
  expect_errors_up_to_the_end(kChunked, End::kCut, "error closed");
}

TEST_P(CutOffTest, TakesNothingButAnOrderlyEndForTheEndOfABodyThatHasNoOther) {
  const std::size_t head = kDelimited.head.size();
  for (std::size_t offset = 0; offset <= kDelimited.bytes().size(); ++offset) {
    EXPECT_EQ(result_of(kDelimited, offset, End::kReset), "error reset") << offset;
    const std::string ended = offset < head    ? "error closed"
                              : offset == head ? "(none)"
                                               : kDelimited.body.substr(0, offset - head);
    EXPECT_EQ(result_of(kDelimited, offset, End::kClose), ended) << offset;
    // Without TLS this is how a connection ends in order.
    EXPECT_EQ(result_of(kDelimited, offset, End::kCut), is_tls() ? "error closed" : ended)
        << offset;
  }
}

}  // namespace
}  // namespace patient_http
