#include "drivers/net/stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

#include "drivers/net/dial.h"
#include "support/test_http_server.h"

namespace patient_http::net {
namespace {

using test::ReceivedRequest;
using test::ServerConnection;
using test::TestCertificate;
using test::TestHttpServer;

struct PlainPair {
  PlainPair() {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0) {
      throw std::runtime_error("socketpair");
    }
    ours = Stream(Fd(fds[0]));
    theirs = Fd(fds[1]);
  }

  Stream ours{Fd()};
  Fd theirs;
};

// Sends a request over `dial` and reads until something but bytes comes; all of it, and how.
std::pair<std::string, IoStatus> exchange(Dial& dial, const std::string& path) {
  const std::string request = "GET " + path + " HTTP/1.1\r\nhost: x\r\n\r\n";
  EXPECT_EQ(dial.stream->write(request).bytes, request.size());
  std::string text;
  IoStatus status = IoStatus::kDone;
  dial.turn_until([&] {
    std::array<char, 16384> buffer;
    IoResult result;
    while ((result = dial.stream->read(buffer)).status == IoStatus::kDone) {
      text.append(buffer.data(), result.bytes);
    }
    status = result.status;
    return status == IoStatus::kEnd || status == IoStatus::kFailed;
  });
  return {text, status};
}

TEST(StreamTest, MovesBytesWithoutBlocking) {
  PlainPair pair;
  std::array<char, 10> buffer;
  EXPECT_EQ(pair.ours.read(buffer).status, IoStatus::kWantRead);
  EXPECT_EQ(::write(pair.theirs.get(), "abc", 3), 3);
  EXPECT_EQ(pair.ours.read(buffer).bytes, 3U);
  std::size_t sent = 0;
  const std::string block(100'000, 'x');
  IoResult result;
  while ((result = pair.ours.write(block)).status == IoStatus::kDone) sent += result.bytes;
  EXPECT_EQ(result.status, IoStatus::kWantWrite);
  EXPECT_GT(sent, 0U);
}

TEST(StreamTest, TellsAnOrderlyEnd) {
  PlainPair pair;
  std::array<char, 10> buffer;
  ::shutdown(pair.theirs.get(), SHUT_WR);
  EXPECT_EQ(pair.ours.read(buffer).status, IoStatus::kEnd);
}

TEST(StreamTest, RaisesNoSignalWhenThePeerIsGone) {
  // SIGPIPE would end the program whose library we are.
  PlainPair pair;
  pair.theirs.reset();
  const IoResult result = pair.ours.write("x");
  EXPECT_EQ(result.status, IoStatus::kFailed);
  EXPECT_EQ(pair.ours.last_failure().kind, NetFailure::Kind::kClosed);
}

class TlsStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(dial_.run("127.0.0.1", server_.port(), &tls_)) << dial_.failure->message;
  }

  TestHttpServer server_{&TestCertificate::get()};
  TlsContext tls_ = std::move(TlsContext::create(TestCertificate::get().ca_file).value());
  Dial dial_;
};

TEST_F(TlsStreamTest, TellsAnOrderlyEndFromACutConnection) {
  server_.on("/whole", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("whole");
    peer.close();
  });
  EXPECT_EQ(exchange(dial_, "/whole"), std::pair(std::string("whole"), IoStatus::kEnd));
}

TEST_F(TlsStreamTest, TakesAnEndWithoutCloseNotifyForACut) {
  server_.on("/cut", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("some");
    peer.cut();
  });
  EXPECT_EQ(exchange(dial_, "/cut"), std::pair(std::string("some"), IoStatus::kFailed));
  EXPECT_EQ(dial_.stream->last_failure().kind, NetFailure::Kind::kClosed);
}

TEST_F(TlsStreamTest, CarriesMoreThanOneRecord) {
  const std::string large(1'000'000, 'r');
  server_.answer_raw("/large", large);
  EXPECT_EQ(exchange(dial_, "/large"), std::pair(large, IoStatus::kEnd));
}

TEST_F(TlsStreamTest, TakesSessionTicketsForNothingToRead) {
  // OpenSSL servers send two of them right behind a TLS 1.3 handshake: the socket is readable, and
  // no byte of the peer's is there.
  std::array<char, 1> byte;
  bool readable = false;
  class Noticing final : public ReadyHandler {
   public:
    explicit Noticing(bool& flag) : flag_(flag) {}
    void on_ready(Interest) override { flag_ = true; }

   private:
    bool& flag_;
  } noticing(readable);
  dial_.watch.hand_to(noticing);
  ASSERT_TRUE(dial_.turn_until([&] { return readable; }));
  EXPECT_EQ(dial_.stream->read(byte).status, IoStatus::kWantRead);
}

TEST(TlsContextTest, SaysWhichFileItCannotRead) {
  const auto missing = TlsContext::create("/no/such/file.pem");
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message,
              testing::StartsWith("cannot read CA certificates from /no/such/file.pem"));
  const auto no_certificate = TlsContext::create(TestCertificate::get().key_file);
  EXPECT_FALSE(no_certificate.has_value());
}

}  // namespace
}  // namespace patient_http::net
