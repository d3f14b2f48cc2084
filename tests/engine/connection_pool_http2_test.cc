// What the pool does with HTTP/2 connections, which many requests share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/connection_pool_fixture.h"
#include "support/test_http2_server.h"

namespace patient_http::engine {
namespace {

using namespace std::chrono_literals;
using test::Http2Peer;
using test::Http2Received;
using test::TestHttp2Server;
using testing::HasSubstr;

// Nobody listens there.
constexpr const char* kNowhere = "https://127.0.0.1:1/";

class ConnectionPoolHttp2Test : public ConnectionPoolFixture {
 protected:
  // A GET that has arrived at the server, which does not answer it.
  void start_hanging(Get& get, TestHttp2Server& server) {
    server.hang("/hang");
    const std::size_t before = server.requests().size();
    start(get, server.url("/hang"));
    ASSERT_TRUE(turn_until([&] { return get.sent; }));
    ASSERT_TRUE(server.wait_for_requests(before + 1));
  }
  // Turns until the server's SETTINGS or GOAWAY have left room for so many more.
  bool turn_until_room(const Get& get, std::size_t room) {
    return turn_until([&] { return get.connection->room() == room; });
  }
  static void answer(TestHttp2Server& server, std::int32_t stream, const std::string& body) {
    server.with_peers([=](Http2Peer& peer) { peer.respond(stream, 200, body); });
  }
};

TEST_F(ConnectionPoolHttp2Test, ClosesWhatWasIdleForItsLifetime) {
  TestHttp2Server one;
  TestHttp2Server two;
  make_pool({.idle_lifetime = 50ms});
  EXPECT_EQ(fetch(one.url("/")), "200 ok");
  EXPECT_EQ(fetch(two.url("/")), "200 ok");
  EXPECT_TRUE(turn_until([&] { return pool_->open_count() == 0; }));
  EXPECT_EQ(pool_->idle_count(), 0U);
}

TEST_F(ConnectionPoolHttp2Test, IsNotIdleBeforeItsLastStreamHasEnded) {
  TestHttp2Server server;
  make_pool({.idle_lifetime = 1ms});
  Get last;
  start_hanging(last, server);
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  EXPECT_EQ(pool_->idle_count(), 0U);
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  EXPECT_EQ(server.connection_count(), 1);

  answer(server, server.requests().at(0).stream, "at last");

  EXPECT_TRUE(turn_until([&] { return last.done; }));
  EXPECT_EQ(last.result, "200 at last");
  EXPECT_TRUE(turn_until([&] { return pool_->open_count() == 0; }));
}

TEST_F(ConnectionPoolHttp2Test, ClosesADrainingConnectionAfterItsLastStream) {
  TestHttp2Server server;
  Get accepted;
  start_hanging(accepted, server);
  const std::int32_t stream = server.requests().at(0).stream;
  server.with_peers([=](Http2Peer& peer) { peer.goaway(stream, 0); });
  ASSERT_TRUE(turn_until_room(accepted, 0));

  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  EXPECT_EQ(server.connection_count(), 2);
  EXPECT_EQ(pool_->open_count(), 2U);
  EXPECT_FALSE(accepted.done);

  answer(server, stream, "finished");
  EXPECT_TRUE(turn_until([&] { return pool_->open_count() == 1; }));
  EXPECT_EQ(accepted.result, "200 finished");
  EXPECT_EQ(pool_->idle_count(), 1U);
}

TEST_F(ConnectionPoolHttp2Test, ClosesAnIdleConnectionThatTheServerDrains) {
  TestHttp2Server server;
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  server.with_peers([](Http2Peer& peer) { peer.goaway(1, 0); });
  EXPECT_TRUE(turn_until([&] { return pool_->open_count() == 0; }));
  EXPECT_EQ(pool_->idle_count(), 0U);
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  EXPECT_EQ(server.connection_count(), 2);
}

TEST_F(ConnectionPoolHttp2Test, WaitsWhileTheServerTakesNoStreams) {
  TestHttp2Server server({.stream_limit = 10});
  Get first;
  Get second;
  start_hanging(first, server);
  ASSERT_TRUE(turn_until_room(first, 9));
  server.with_peers([](Http2Peer& peer) { peer.set_stream_limit(0); });
  ASSERT_TRUE(turn_until_room(first, 0));

  start(second, server.url("/"));
  // What the server says next comes behind everything that the pool would have sent or dialled.
  answer(server, server.requests().at(0).stream, "first");
  ASSERT_TRUE(turn_until([&] { return first.done; }));
  EXPECT_EQ(second.connection, nullptr);
  EXPECT_EQ(pool_->phase_of(second), std::nullopt);

  server.with_peers([](Http2Peer& peer) { peer.set_stream_limit(1); });
  EXPECT_TRUE(turn_until([&] { return second.done; }));
  EXPECT_EQ(second.result, "200 ok");
  EXPECT_EQ(server.connection_count(), 1);
}

TEST_F(ConnectionPoolHttp2Test, FailsEveryStreamOfASilentConnection) {
  TestHttp2Server server({.acknowledges_pings = false});
  make_pool({.ping_interval = 100ms, .ping_timeout = 100ms});
  Get one;
  Get two;
  start_hanging(one, server);
  start_hanging(two, server);
  EXPECT_EQ(one.connection, two.connection);

  EXPECT_TRUE(turn_until([&] { return one.done && two.done; }));

  for (const Get* get : {&one, &two}) {
    EXPECT_EQ(get->ends, 1);
    EXPECT_EQ(get->kind, ErrorKind::kConnection);
    EXPECT_THAT(get->result, HasSubstr("no answer to a PING within 0.1 s"));
  }
  EXPECT_EQ(pool_->open_count(), 0U);
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  EXPECT_EQ(server.connection_count(), 2);
}

TEST_F(ConnectionPoolHttp2Test, TellsEachOnceWhoWaitedForADialThatFailed) {
  std::vector<Get> gets(50);
  for (Get& get : gets) start(get, kNowhere);
  EXPECT_TRUE(turn_until([&] {
    return std::all_of(gets.begin(), gets.end(), [](const Get& get) { return get.done; });
  }));
  // A waiter that was left behind would be told of this one's failure.
  EXPECT_THAT(fetch(kNowhere), HasSubstr("Connection refused at 127.0.0.1:1"));
  for (const Get& get : gets) {
    EXPECT_EQ(get.ends, 1);
    EXPECT_EQ(get.result, "failed: connect: Connection refused at 127.0.0.1:1");
  }
}

TEST_F(ConnectionPoolHttp2Test, LetsThoseComeBackWhoAreToldThatTheDialFailed) {
  std::vector<Get> gets(20);
  for (Get& get : gets) {
    get.when_done = [&] {
      if (get.ends == 1) pool_->connect(get.url->origin(), get);
    };
    start(get, kNowhere);
  }
  EXPECT_TRUE(turn_until([&] {
    return std::all_of(gets.begin(), gets.end(), [](const Get& get) { return get.ends >= 2; });
  }));
  fetch(kNowhere);
  for (const Get& get : gets) EXPECT_EQ(get.ends, 2);
}

TEST_F(ConnectionPoolHttp2Test, TellsNobodyWhoGaveUpWhenAnotherWasTold) {
  std::vector<Get> gets(20);
  for (Get& get : gets) {
    get.when_done = [&] {
      for (Get& other : gets) pool_->give_up(other);
    };
    start(get, kNowhere);
  }
  EXPECT_TRUE(turn_until([&] { return gets[0].done; }));
  fetch(kNowhere);
  for (std::size_t i = 1; i < gets.size(); ++i) EXPECT_EQ(gets[i].ends, 0) << i;
}

TEST_F(ConnectionPoolHttp2Test, DialsForTheNextWhenWhoWaitedLongestGivesUp) {
  TestHttp2Server server;
  Get gone;
  Get next;
  start(gone, server.url("/"));
  start(next, server.url("/"));
  pool_->give_up(gone);
  EXPECT_TRUE(turn_until([&] { return next.done; }));
  EXPECT_EQ(next.result, "200 ok");
  EXPECT_EQ(gone.ends, 0);
  EXPECT_EQ(pool_->open_count(), 1U);
}

TEST_F(ConnectionPoolHttp2Test, AbandonsOneStreamAndKeepsTheConnection) {
  TestHttp2Server server;
  Get abandoned;
  Get other;
  start_hanging(abandoned, server);
  start_hanging(other, server);
  abandoned.connection->abandon(abandoned);
  EXPECT_EQ(fetch(server.url("/")), "200 ok");
  // Late bytes for it reach nobody.
  answer(server, server.requests().at(0).stream, "late");
  answer(server, server.requests().at(1).stream, "other");
  EXPECT_TRUE(turn_until([&] { return other.done; }));
  EXPECT_EQ(other.result, "200 other");
  EXPECT_EQ(abandoned.ends, 0);
  EXPECT_EQ(server.connection_count(), 1);
}

}  // namespace
}  // namespace patient_http::engine
