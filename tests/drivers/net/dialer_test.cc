#include "drivers/net/dialer.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <atomic>
#include <memory>
#include <thread>

#include "drivers/net/dial.h"
#include "support/hanging_server.h"
#include "support/test_dns_server.h"
#include "support/test_http_server.h"

namespace patient_http::net {
namespace {

using namespace std::chrono_literals;
using test::HangingServer;
using test::TestCertificate;
using test::TestDnsServer;
using test::TestHttpServer;

TlsContext trusting_context() {
  return std::move(TlsContext::create(TestCertificate::get().ca_file).value());
}

int option_of(const Stream& stream, int level, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(stream.fd(), level, option, &value, &length), 0);
  return value;
}

// Accepts one connection and ends it.
class CuttingServer {
 public:
  CuttingServer(const std::string& ip, int port)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const Address address = Address::parse(ip, static_cast<std::uint16_t>(port)).value();
    if (::bind(listener_.get(), address.get(), address.length()) != 0 ||
        ::listen(listener_.get(), 8) != 0) {
      throw std::runtime_error("cannot listen on " + address.text());
    }
    thread_ = std::thread([this] {
      const Fd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (accepted) ++count_;
    });
  }
  ~CuttingServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  CuttingServer(const CuttingServer&) = delete;
  CuttingServer& operator=(const CuttingServer&) = delete;

  [[nodiscard]] int count() const { return count_; }

 private:
  Fd listener_;
  std::atomic<int> count_{0};
  std::thread thread_;
};

TEST(DialerTest, ConnectsToAnAddress) {
  TestHttpServer server;
  Dial dial;
  dial.start("127.0.0.1", server.port());
  EXPECT_FALSE(dial.stream.has_value()) << "reported before dial() returned";
  ASSERT_TRUE(dial.turn_until([&] { return dial.stream.has_value(); }));
  EXPECT_EQ(dial.reached, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_FALSE(dial.stream->is_tls());
}

TEST(DialerTest, KeepsConnectionsAliveThroughMinutesOfSilence) {
  // An API that thinks for ten minutes must survive the tables of the middleboxes on the way, and
  // a peer that vanished must be noticed.
  TestHttpServer server;
  Dial dial;
  ASSERT_TRUE(dial.run("127.0.0.1", server.port()));
  EXPECT_EQ(option_of(*dial.stream, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option_of(*dial.stream, IPPROTO_TCP, TCP_KEEPIDLE), 60);
  EXPECT_EQ(option_of(*dial.stream, IPPROTO_TCP, TCP_KEEPINTVL), 15);
  EXPECT_EQ(option_of(*dial.stream, IPPROTO_TCP, TCP_KEEPCNT), 4);
  EXPECT_EQ(option_of(*dial.stream, IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(DialerTest, LooksUpNamesAndTriesTheirAddressesInTurn) {
  TestHttpServer server;
  TestDnsServer dns;
  dns.add("three.test", {"127.0.0.2", "127.0.0.3", "127.0.0.1"});  // one of them listens
  Dial dial(dns.address());
  ASSERT_TRUE(dial.run("three.test", server.port())) << dial.failure->message;
  EXPECT_EQ(dial.reached, "127.0.0.1:" + std::to_string(server.port()));
}

TEST(DialerTest, SaysThatNoAddressAnswered) {
  TestDnsServer dns;
  dns.add("two.test", {"127.0.0.2", "127.0.0.3"});
  Dial dial(dns.address());
  ASSERT_FALSE(dial.run("two.test", 1));
  EXPECT_EQ(dial.failed_in, DialPhase::kConnect);
  EXPECT_EQ(dial.failure->kind, NetFailure::Kind::kRefused);
  EXPECT_EQ(dial.failure->message,
            "connect: Connection refused (the last of 2 addresses; before it 127.0.0.2:1 connect: "
            "Connection refused)");
}

TEST(DialerTest, SaysThatANameHasNoAddress) {
  TestDnsServer dns;
  Dial dial(dns.address());
  ASSERT_FALSE(dial.run("nowhere.test", 1));
  EXPECT_EQ(dial.failed_in, DialPhase::kResolve);
  EXPECT_EQ(dial.failure->kind, NetFailure::Kind::kResolve);
}

TEST(DialerTest, FailsAtOnceWhereThereIsNoRoute) {
  Dial dial;
  ASSERT_FALSE(dial.run("255.255.255.255", 1));
  EXPECT_EQ(dial.failed_in, DialPhase::kConnect);
  EXPECT_EQ(dial.dialer->peer()->text(), "255.255.255.255:1");
}

TEST(DialerTest, EndsWithATlsSession) {
  TestHttpServer server(&TestCertificate::get());
  const TlsContext tls = trusting_context();
  Dial dial;
  ASSERT_TRUE(dial.run("127.0.0.1", server.port(), &tls)) << dial.failure->message;
  EXPECT_TRUE(dial.stream->is_tls());
}

TEST(DialerTest, RefusesACertificateThatItCannotVerify) {
  TestHttpServer server(&TestCertificate::for_wrong_host());
  const TlsContext tls = trusting_context();
  Dial dial;
  ASSERT_FALSE(dial.run("127.0.0.1", server.port(), &tls));
  EXPECT_EQ(dial.failed_in, DialPhase::kTls);
  EXPECT_EQ(dial.failure->kind, NetFailure::Kind::kTlsCertificate);
}

TEST(DialerTest, TriesTheNextAddressWhileAnotherHangs) {
  TestHttpServer server;
  const HangingServer hanging("::1", server.port());
  TestDnsServer dns;
  dns.add("dual.test", {"::1", "127.0.0.1"});
  Dial dial(dns.address());
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(dial.run("dual.test", server.port())) << dial.failure->message;
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_EQ(dial.reached, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_GE(took, 250ms);
  EXPECT_LT(took, 900ms);
}

TEST(DialerTest, BeginsWithTheAddressThatAnsweredBefore) {
  TestHttpServer server;
  const HangingServer hanging("::1", server.port());
  TestDnsServer dns;
  dns.add("dual.test", {"::1", "127.0.0.1"});
  Dial dial(dns.address());
  ASSERT_TRUE(dial.run("dual.test", server.port())) << dial.failure->message;
  dial.stream.reset();
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(dial.run("dual.test", server.port())) << dial.failure->message;
  EXPECT_LT(std::chrono::steady_clock::now() - began, 200ms);
}

TEST(DialerTest, WaitsForASlowAddressWhenTheOthersFail) {
  // The slow one must not be given up because the last one in the list has failed.
  TestHttpServer server;
  HangingServer slow("127.0.0.2", server.port());
  TestDnsServer dns;
  dns.add("slow.test", {"127.0.0.2", "127.0.0.3"});
  Dial dial(dns.address());
  dial.start("slow.test", server.port());
  dial.turn_until([&] { return dial.dialer->peer() && dial.dialer->peer()->text()[8] == '3'; });
  slow.make_room();
  ASSERT_TRUE(dial.turn_until([&] { return dial.stream || dial.failure; }));
  ASSERT_TRUE(dial.stream.has_value()) << dial.failure->message;
  EXPECT_EQ(dial.reached, "127.0.0.2:" + std::to_string(server.port()));
}

TEST(DialerTest, MakesRoomForTheNextAddressWhenFourHang) {
  TestHttpServer server;
  std::vector<std::unique_ptr<HangingServer>> hanging;
  std::vector<std::string> addresses;
  for (int i = 2; i <= 5; ++i) {
    addresses.push_back("127.0.0." + std::to_string(i));
    hanging.push_back(std::make_unique<HangingServer>(addresses.back(), server.port()));
  }
  addresses.push_back("127.0.0.1");
  TestDnsServer dns;
  dns.add("five.test", addresses);
  Dial dial(dns.address());
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(dial.run("five.test", server.port())) << dial.failure->message;
  EXPECT_GE(std::chrono::steady_clock::now() - began, 3900ms);
  EXPECT_EQ(dial.reached, "127.0.0.1:" + std::to_string(server.port()));
}

TEST(DialerTest, TriesSixteenAddressesOfMany) {
  TestDnsServer dns;
  std::vector<std::string> addresses;
  for (int i = 2; i < 27; ++i) addresses.push_back("127.0.1." + std::to_string(i));
  dns.add("many.test", addresses);
  Dial dial(dns.address());
  ASSERT_FALSE(dial.run("many.test", 1));
  EXPECT_THAT(
      dial.failure->message,
      testing::StartsWith("connect: Connection refused (the last of 16 tried, of 25 addresses; "));
  EXPECT_LT(dial.failure->message.size(), 400U);
}

TEST(DialerTest, TriesTheNextAddressAfterAHandshakeThatWasCut) {
  // A balancer accepts connections for a server that is down.
  TestHttpServer server(&TestCertificate::get());
  CuttingServer cutting("127.0.0.2", server.port());
  TestDnsServer dns;
  dns.add("localhost.test", {"127.0.0.2", "127.0.0.1"});
  const TlsContext tls = trusting_context();
  Dial dial(dns.address());
  dial.run("localhost.test", server.port(), &tls);
  // The other server was reached: what fails now is the name in its certificate.
  EXPECT_EQ(cutting.count(), 1);
  EXPECT_EQ(dial.dialer->peer()->text(), "127.0.0.1:" + std::to_string(server.port()));
}

TEST(DialerTest, DoesNotTryFurtherAddressesAfterAFailedHandshake) {
  TestHttpServer server(&TestCertificate::for_wrong_host());
  TestDnsServer dns;
  dns.add("two.test", {"127.0.0.1", "127.0.0.1"});
  const TlsContext tls = trusting_context();
  Dial dial(dns.address());
  ASSERT_FALSE(dial.run("two.test", server.port(), &tls));
  EXPECT_EQ(dial.failed_in, DialPhase::kTls);
  EXPECT_EQ(server.connection_count(), 1);
}

TEST(DialerTest, KnowsWhereItStands) {
  TestHttpServer plain;
  TestDnsServer dns;
  const TlsContext tls = trusting_context();
  Dial dial(dns.address());
  dial.start("x.silent", 1, &tls);
  EXPECT_EQ(dial.dialer->phase(), DialPhase::kResolve);
  EXPECT_FALSE(dial.dialer->peer().has_value());
  // A server that does not speak TLS leaves the client waiting in its handshake.
  dial.start("127.0.0.1", plain.port(), &tls);
  EXPECT_EQ(dial.dialer->phase(), DialPhase::kConnect);
  EXPECT_TRUE(dial.turn_until([&] { return dial.dialer->phase() == DialPhase::kTls; }));
  EXPECT_FALSE(dial.stream.has_value());
}

// Denies one address, and keeps what it was asked.
class OneDenied final : public AddressGate {
 public:
  explicit OneDenied(std::string denied) : denied_(std::move(denied)) {}

  [[nodiscard]] std::optional<std::string> refusal(const std::string& host,
                                                   const Address& address) const override {
    asked.push_back(host + " " + address.text());
    return address.text() == denied_ ? std::optional<std::string>("no") : std::nullopt;
  }

  mutable std::vector<std::string> asked;

 private:
  const std::string denied_;
};

TEST(DialerTest, DialsNoneOfSeveralAddressesWhenOneIsDenied) {
  TestHttpServer server;
  const std::string port = std::to_string(server.port());
  TestDnsServer dns;
  dns.add("mixed.test", {"127.0.0.1", "127.0.0.2"});
  const OneDenied gate("127.0.0.2:" + port);
  Dial dial(dns.address());
  dial.gate = &gate;
  ASSERT_FALSE(dial.run("mixed.test", server.port()));
  EXPECT_EQ(dial.failure->kind, NetFailure::Kind::kDenied);
  EXPECT_EQ(dial.failure->message,
            "no; with one such address among 2 the name is refused as a whole");
  EXPECT_EQ(server.connection_count(), 0);
}

TEST(DialerTest, AsksAboutWhatItDials) {
  TestHttpServer server;
  TestDnsServer dns;
  dns.add("one.test", {"127.0.0.1"});
  const OneDenied gate("");
  Dial dial(dns.address());
  dial.gate = &gate;
  ASSERT_TRUE(dial.run("one.test", server.port()));
  EXPECT_EQ(gate.asked, std::vector<std::string>{"one.test " + dial.reached});
}

TEST(DialerTest, ReportsADeniedAddressAfterItReturned) {
  const OneDenied gate("127.0.0.1:1");
  Dial dial;
  dial.gate = &gate;
  dial.start("127.0.0.1", 1);
  EXPECT_FALSE(dial.failure.has_value()) << "reported before dial() returned";
  EXPECT_TRUE(dial.turn_until([&] { return dial.failure.has_value(); }));
  EXPECT_EQ(dial.failure->message, "no");
}

TEST(DialerTest, ReportsNothingOnceItIsDestroyed) {
  TestHttpServer plain;
  TestDnsServer dns;
  dns.add("one.test", {"127.0.0.1"});
  Dial dial(dns.address());
  for (const char* host : {"one.test", "nowhere.test", "127.0.0.1"}) {
    dial.start(host, plain.port());
    dial.dialer.reset();
  }
  // Another look-up of the same names comes after what the destroyed ones would have heard.
  ASSERT_TRUE(dial.run("one.test", plain.port()));
  EXPECT_FALSE(dial.failure.has_value());
  EXPECT_GT(dial.stream->write("GET /asked HTTP/1.1\r\n\r\n").bytes, 0U);
  ASSERT_TRUE(plain.wait_for_requests("/asked"));
  EXPECT_EQ(plain.connection_count(), 1);
}

}  // namespace
}  // namespace patient_http::net
