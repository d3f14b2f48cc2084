#include "engine/connection_pool.h"

#include <gtest/gtest.h>

#include <thread>

#include "engine/connection_pool_fixture.h"
#include "support/test_http2_server.h"
#include "support/test_http_server.h"

namespace patient_http::engine {
namespace {

using namespace std::chrono_literals;
using test::Http2Peer;
using test::Http2Received;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestCertificate;
using test::TestHttp2Server;
using test::TestHttpServer;

class ConnectionPoolTest : public ConnectionPoolFixture {};

TEST_F(ConnectionPoolTest, UsesAConnectionAgain) {
  TestHttpServer server;
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  EXPECT_EQ(pool_->idle_count(), 1U);
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  EXPECT_EQ(server.connection_count(), 1);
}

TEST_F(ConnectionPoolTest, TakesTheConnectionThatWasUsedLast) {
  TestHttpServer server;
  fetch_together(server.url("/"), 3);
  EXPECT_EQ(pool_->idle_count(), 3U);
  fetch(server.url("/a"));
  fetch(server.url("/b"));
  const auto requests = server.requests();
  EXPECT_EQ(requests[3].connection, requests[4].connection);
}

TEST_F(ConnectionPoolTest, SharesNoConnectionBetweenOrigins) {
  TestHttpServer one;
  TestHttpServer two;
  fetch(one.url("/"));
  fetch(two.url("/"));
  fetch(one.url("/", "localhost"));
  EXPECT_EQ(pool_->idle_count(), 3U);
  EXPECT_EQ(one.connection_count(), 2);
}

TEST_F(ConnectionPoolTest, KeepsNoMoreIdleConnectionsThanItMay) {
  TestHttpServer server;
  make_pool({.max_idle = 2});
  fetch_together(server.url("/"), 5);
  EXPECT_EQ(pool_->idle_count(), 2U);
}

TEST_F(ConnectionPoolTest, KeepsTheOriginsThatWereUsedLast) {
  std::vector<std::unique_ptr<TestHttpServer>> servers;
  for (int i = 0; i < 3; ++i) servers.push_back(std::make_unique<TestHttpServer>());
  make_pool({.max_origins = 2});
  fetch(servers[0]->url("/"));
  fetch(servers[1]->url("/"));
  fetch(servers[0]->url("/"));
  fetch(servers[2]->url("/"));  // in place of the second
  EXPECT_EQ(pool_->idle_count(), 2U);

  for (const auto& server : servers) fetch(server->url("/"));

  EXPECT_EQ(servers[0]->connection_count(), 1);
  EXPECT_EQ(servers[1]->connection_count(), 2);
}

TEST_F(ConnectionPoolTest, ClosesWhatWasIdleForItsLifetime) {
  TestHttpServer server;
  make_pool({.idle_lifetime = 50ms});
  fetch_together(server.url("/"), 3);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(turn_until([&] { return pool_->idle_count() == 0; }));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 40ms);
}

TEST_F(ConnectionPoolTest, GivesOutNoExpiredConnectionWhenItsTimerIsLate) {
  // A program that sends now and then turns its loop only while it sends: the timer had no
  // occasion, and a connection older than its lifetime was used.
  TestHttpServer server;
  make_pool({.idle_lifetime = 20ms});
  fetch(server.url("/"));
  // The passing of that time is what is tested here.
  std::this_thread::sleep_for(30ms);
  fetch(server.url("/"));
  EXPECT_EQ(server.connection_count(), 2);
}

TEST_F(ConnectionPoolTest, ForgetsAConnectionThatThePeerClosed) {
  TestHttpServer server;
  server.on("/close", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(TestHttpServer::response(200, "ok"));
    peer.close();
  });
  fetch(server.url("/close"));
  EXPECT_TRUE(turn_until([&] { return pool_->idle_count() == 0; }));
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
}

TEST_F(ConnectionPoolTest, ForgetsAConnectionThatSaysWhatNobodyAskedFor) {
  TestHttpServer server;
  server.on("/extra", [&server](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(TestHttpServer::response(200, "ok"));
    server.wait_for_release();
    peer.send(TestHttpServer::response(200, "poison"));
  });
  EXPECT_EQ(fetch(server.url("/extra")), "200 ok");
  EXPECT_EQ(pool_->idle_count(), 1U);
  server.release();
  EXPECT_TRUE(turn_until([&] { return pool_->idle_count() == 0; }));
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
}

TEST_F(ConnectionPoolTest, KeepsTlsConnectionsOnWhichSessionTicketsArrive) {
  // They come right behind the handshake, or while the connection is idle, and are no data.
  TestHttpServer server(&TestCertificate::get());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fetch(server.url("/")), "200 ok");
  EXPECT_EQ(server.connection_count(), 1);
  server.on("/ticket", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(TestHttpServer::response(200, "ok"));
    peer.send_session_ticket();
  });
  EXPECT_EQ(fetch(server.url("/ticket")), "200 ok");
  EXPECT_EQ(fetch(server.url("/ticket")), "200 ok");
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  EXPECT_EQ(server.connection_count(), 1);
}

// A server that answers in whole and closes the connection, and a request that may not read yet.
class HeldResponseTest : public ConnectionPoolTest {
 protected:
  void SetUp() override {
    ConnectionPoolTest::SetUp();
    server_.on("/", [](const Http2Received& request, Http2Peer& peer) {
      peer.respond(request.stream, 200, "whole");
      peer.close();
    });
    get_.reads = false;
    start(get_, server_.url("/"));
    ASSERT_TRUE(turn_until([&] { return get_.connection != nullptr; }));
    ASSERT_TRUE(turn_until([&] { return get_.connection->room() == 0; }));
  }

  TestHttp2Server server_;
  Get get_;
};

TEST_F(HeldResponseTest, IsDeliveredThoughTheConnectionHasClosed) {
  // It was failed with the connection, and its request paid for twice.
  EXPECT_FALSE(get_.done);
  get_.connection->resume(get_);
  EXPECT_TRUE(turn_until([&] { return get_.done; }));
  EXPECT_EQ(get_.result, "200 whole");
  EXPECT_TRUE(turn_until([&] { return pool_->open_count() == 0; }));
}

TEST_F(HeldResponseTest, CanBeAbandonedWhenTheConnectionHasClosed) {
  get_.connection->abandon(get_);
  EXPECT_TRUE(turn_until([&] { return pool_->open_count() == 0; }));
  EXPECT_EQ(get_.result, "200 ");
  EXPECT_FALSE(get_.done);
}

TEST_F(ConnectionPoolTest, ClosesAllThatIsIdle) {
  TestHttpServer server;
  fetch_together(server.url("/"), 3);
  pool_->close_idle();
  pool_->close_idle();
  EXPECT_EQ(pool_->idle_count(), 0U);
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
}

TEST_F(ConnectionPoolTest, SaysWhyADialFailed) {
  EXPECT_EQ(fetch("http://127.0.0.1:1/"), "failed: connect: Connection refused at 127.0.0.1:1");
}

TEST_F(ConnectionPoolTest, OpensNoMoreConnectionsToAnOriginThanItsLimit) {
  TestHttpServer server;
  make_pool({.origin_limit = [](const base::Origin&) { return std::size_t{2}; }});
  fetch_together(server.url("/"), 6);
  EXPECT_EQ(server.connection_count(), 2);
}

TEST_F(ConnectionPoolTest, CallsNobodyWhoGaveUp) {
  TestHttpServer server;
  Get gone;
  start(gone, server.url("/"));
  EXPECT_EQ(pool_->phase_of(gone), DialPhase::kConnect);
  pool_->give_up(gone);
  pool_->give_up(gone);
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  EXPECT_EQ(gone.connection, nullptr);
  EXPECT_EQ(gone.result, "");
}

TEST_F(ConnectionPoolTest, AbandonsOneExchangeWithoutDisturbingOthers) {
  TestHttpServer server;
  server.hang("/hang");
  Get abandoned;
  Get other;
  start(abandoned, server.url("/hang"));
  start(other, server.url("/hang"));
  ASSERT_TRUE(turn_until([&] { return abandoned.connection && other.connection; }));
  abandoned.connection->abandon(abandoned);
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  EXPECT_FALSE(other.done);
  EXPECT_FALSE(abandoned.done);
}

}  // namespace
}  // namespace patient_http::engine
