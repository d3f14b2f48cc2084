#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>

#include "drivers/net/dial.h"
#include "drivers/net/tls_session_cache.h"
#include "support/test_http_server.h"

namespace patient_http::net {
namespace {

using namespace std::chrono_literals;
using test::TestCertificate;
using test::TestHttpServer;

class TlsResumptionTest : public testing::Test {
 protected:
  static TlsContext trusting_context() {
    return std::move(TlsContext::create(TestCertificate::get().ca_file).value());
  }
  // Opens a connection, reads an answer and closes it.
  void connect(const TlsContext& tls, const std::string& host = "127.0.0.1") {
    Dial dial;
    ASSERT_TRUE(dial.run(host, server_.port(), &tls)) << dial.failure->message;
    ASSERT_GT(dial.stream->write("GET / HTTP/1.1\r\n\r\n").bytes, 0U);
    std::array<char, 4096> buffer;
    bool answered = false;
    dial.turn_until([&] {
      answered = answered || dial.stream->read(buffer).status == IoStatus::kDone;
      return answered;
    });
    ASSERT_TRUE(answered);
  }

  TestHttpServer server_{&TestCertificate::get()};
  const TlsContext tls_ = trusting_context();
};

TEST_F(TlsResumptionTest, ResumesTheSessionOfAnEarlierConnection) {
  for (int i = 0; i < 5; ++i) connect(tls_);
  EXPECT_EQ(server_.connection_count(), 5);
  EXPECT_EQ(server_.resumed_count(), 4);
}

TEST_F(TlsResumptionTest, UsesATicketOnce) {
  connect(tls_);
  const std::size_t tickets = tls_.sessions().size();
  ASSERT_GT(tickets, 0U);
  Dial dial;
  ASSERT_TRUE(dial.run("127.0.0.1", server_.port(), &tls_));
  EXPECT_EQ(tls_.sessions().size(), tickets - 1) << "the new ones were not read yet";
}

TEST_F(TlsResumptionTest, ResumesNoSessionOfAnotherName) {
  connect(tls_, "127.0.0.1");
  connect(tls_, "localhost");
  EXPECT_EQ(server_.resumed_count(), 0);
}

TEST_F(TlsResumptionTest, ResumesNoSessionThatOtherRulesVerified) {
  connect(tls_);
  const TlsContext other = trusting_context();
  connect(other);
  EXPECT_EQ(server_.resumed_count(), 0);
}

TEST_F(TlsResumptionTest, DoesAFullHandshakeWhenATicketIsRefused) {
  connect(tls_);
  server_.forget_sessions();
  connect(tls_);
  EXPECT_EQ(server_.resumed_count(), 0);
  connect(tls_);
  EXPECT_EQ(server_.resumed_count(), 1);
}

TlsSession new_session() {
  TlsSession session(SSL_SESSION_new());
  SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION);
  const unsigned char id = 1;
  SSL_SESSION_set1_id(session.get(), &id, 1);
  return session;
}

TEST(TlsSessionCacheTest, KeepsTheLatestFourOfAKey) {
  TlsSessionCache cache;
  std::array<TlsSession, 6> sessions;
  std::array<const ssl_session_st*, 6> places{};
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    sessions[i] = new_session();
    places[i] = sessions[i].get();
    cache.put("a", std::move(sessions[i]));
  }
  EXPECT_EQ(cache.size(), 4U);
  for (std::size_t i = 6; i > 2; --i) EXPECT_EQ(cache.take("a").get(), places[i - 1]);
  EXPECT_EQ(cache.take("a"), nullptr);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(TlsSessionCacheTest, ForgetsTheLeastRecentlyUsedKey) {
  TlsSessionCache cache;
  for (int i = 0; i < 256; ++i) cache.put(std::to_string(i), new_session());
  cache.put("0", new_session());
  EXPECT_EQ(cache.size(), 256U);
  EXPECT_EQ(cache.take("1"), nullptr);
  EXPECT_NE(cache.take("0"), nullptr);
}

TEST(TlsSessionCacheTest, ForgetsASessionAfterAnHour) {
  const TlsSessionCache::Clock::time_point now;
  TlsSessionCache cache;
  cache.put("a", new_session(), now);
  EXPECT_EQ(cache.take("a", now + 1h), nullptr);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(TlsSessionCacheTest, DropsTheSessionsOfAKey) {
  TlsSessionCache cache;
  cache.put("a", new_session());
  cache.put("b", new_session());
  cache.drop("a");
  EXPECT_EQ(cache.take("a"), nullptr);
  EXPECT_NE(cache.take("b"), nullptr);
}

}  // namespace
}  // namespace patient_http::net
