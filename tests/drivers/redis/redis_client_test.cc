#include "drivers/redis/redis_client.h"

#include <filesystem>
#include <future>
#include <thread>

#include "drivers/redis/redis_fixture.h"

namespace patient_http::redis {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using Arguments = std::vector<std::string_view>;

TEST(RedisClientTest, UsesConnectionAgain) {
  TestRedis server;
  RedisClient client(options_for(server.url()));

  for (int i = 1; i <= 3; ++i) EXPECT_EQ(call(client, {"INCR", "count"}).value().integer(), i);

  EXPECT_EQ(client.connections_opened(), 1U);
}

TEST(RedisClientTest, ServesManyThreads) {
  constexpr int kThreads = 8;
  constexpr int kCalls = 200;
  TestRedis server;
  RedisClient client(options_for(server.url()));
  const RedisScript script("count", "return redis.call('INCR', KEYS[1])");
  std::vector<std::thread> threads;

  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kCalls; ++j) {
        EXPECT_TRUE(call(client, {"INCR", "calls"}).has_value());
        EXPECT_TRUE(client.run(script, Arguments{"runs"}, Arguments{}).has_value());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(server.command({"GET", "calls"}).text(), std::to_string(kThreads * kCalls));
  EXPECT_EQ(server.command({"GET", "runs"}).text(), std::to_string(kThreads * kCalls));
  EXPECT_LE(client.connections_opened(), static_cast<std::uint64_t>(kThreads));
}

TEST(RedisClientTest, NoCallFailsWhenServerRestartedMeanwhile) {
  TestRedis server({.keeps_data = true});
  RedisClient client(options_for(server.url()));
  ASSERT_TRUE(call(client, {"SET", "key", "kept"}).has_value());

  server.restart();
  const auto reply = call(client, {"GET", "key"});

  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  EXPECT_EQ(reply->text(), "kept");
  EXPECT_EQ(client.connections_opened(), 2U);
}

TEST(RedisClientTest, NoCallFailsWhenServerClosedIdleConnection) {
  TestRedis server;
  RedisClient client(options_for(server.url()));
  ASSERT_TRUE(call(client, {"PING"}).has_value());
  server.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});

  EXPECT_TRUE(call(client, {"PING"}).has_value());
}

TEST(RedisClientTest, LoadsScriptOnceAndAgainWhenServerForgot) {
  TestRedis server;
  RedisClient client(options_for(server.url()));
  const RedisScript script("echo", "return {KEYS[1], ARGV[1], #KEYS}");

  for (int i = 0; i < 2; ++i) {
    const auto reply = client.run(script, Arguments{"key"}, Arguments{"argument"});
    ASSERT_TRUE(reply.has_value()) << reply.error().message;
    ASSERT_EQ(reply->array().size(), 3U);
    EXPECT_EQ(reply->array()[0].text(), "key");
    EXPECT_EQ(reply->array()[1].text(), "argument");
    EXPECT_EQ(reply->array()[2].integer(), 1);
    EXPECT_EQ(script.sha1().size(), 40U);
    server.command({"SCRIPT", "FLUSH"});
  }
}

TEST(RedisClientTest, OneScriptServesSeveralServers) {
  TestRedis first;
  TestRedis second;
  RedisClient first_client(options_for(first.url()));
  RedisClient second_client(options_for(second.url()));
  const RedisScript script("seven", "return 7");

  EXPECT_EQ(first_client.run(script, {}, {})->integer(), 7);
  EXPECT_EQ(second_client.run(script, {}, {})->integer(), 7);
}

TEST(RedisClientTest, NamesScriptThatFails) {
  TestRedis server;
  RedisClient client(options_for(server.url()));
  const RedisScript failing("claim_jobs", "return redis.call('LPUSH', KEYS[1])");
  const RedisScript broken("broken_script", "return return");

  const auto failed = client.run(failing, Arguments{"key"}, Arguments{"hush"});
  const auto refused = client.run(broken, {}, {});

  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().kind, Kind::kRefused);
  EXPECT_THAT(failed.error().message,
              AllOf(HasSubstr("claim_jobs on redis://"), Not(HasSubstr("hush"))));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, Kind::kRefused);
  EXPECT_THAT(refused.error().message, HasSubstr("broken_script on redis://"));
}

TEST(RedisClientTest, LostReplyIsNotAskedForAgain) {
  TestRedis server;
  RedisProxy proxy(server);
  RedisClient client(options_for(proxy.url()));
  ASSERT_TRUE(call(client, {"PING"}).has_value());
  proxy.swallow_next_reply();

  const auto lost = call(client, {"INCR", "count"});

  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().kind, Kind::kUnavailable);
  EXPECT_THAT(lost.error().message, HasSubstr("INCR on redis://127.0.0.1:"));
  EXPECT_EQ(server.command({"GET", "count"}).text(), "1");
  EXPECT_EQ(call(client, {"INCR", "count"}).value().integer(), 2);
}

TEST(RedisClientTest, ReplyOfScriptMayBeLostOnNewConnectionToo) {
  TestRedis server;
  RedisProxy proxy(server);
  RedisClient client(options_for(proxy.url(1)));
  const RedisScript script("count", "return redis.call('INCR', KEYS[1])");
  ASSERT_TRUE(client.run(script, Arguments{"count"}, {}).has_value());
  proxy.cut();
  proxy.swallow_next_reply();

  const auto lost = client.run(script, Arguments{"count"}, {});

  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().kind, Kind::kUnavailable);
  EXPECT_THAT(lost.error().message, HasSubstr("count on redis://127.0.0.1:"));
  EXPECT_EQ(client.run(script, Arguments{"count"}, {}).value().integer(), 3);
}

TEST(RedisClientTest, ConnectionThatIsCutFailsItsCall) {
  TestRedis server;
  RedisProxy proxy(server);
  RedisClient client(options_for(proxy.url()));
  ASSERT_TRUE(call(client, {"PING"}).has_value());
  proxy.swallow_replies();
  auto reply = std::async(std::launch::async, [&] { return call(client, {"INCR", "count"}); });
  ASSERT_TRUE(wait_until([&] { return server.command({"GET", "count"}).text() == "1"; }));

  proxy.pass();
  proxy.cut();

  ASSERT_FALSE(reply.get().has_value());
  EXPECT_EQ(call(client, {"INCR", "count"}).value().integer(), 2);
}

TEST(RedisClientTest, LateReplyBelongsToNobody) {
  TestRedis server;
  RedisProxy proxy(server);
  RedisClient client(options_for(proxy.url(), milliseconds(500)));
  server.command({"SET", "key", "late"});
  ASSERT_TRUE(call(client, {"PING"}).has_value());
  proxy.delay(seconds(2));

  const auto late = call(client, {"GET", "key"});
  proxy.pass();
  const auto next = call(client, {"GET", "other"});

  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().kind, Kind::kUnavailable);
  ASSERT_TRUE(next.has_value()) << next.error().message;
  EXPECT_TRUE(next->is_nil());
}

TEST(RedisClientTest, SecondConnectToReadOnlyServerIsTheLast) {
  TestRedis server;
  RedisClient client(options_for(server.url()));
  ASSERT_TRUE(call(client, {"SET", "key", "x"}).has_value());
  server.command({"REPLICAOF", "127.0.0.1", "1"});

  const auto reply = call(client, {"SET", "key", "y"});

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().kind, Kind::kUnavailable);
  EXPECT_THAT(reply.error().message, AllOf(HasSubstr("SET on "), HasSubstr("READONLY")));
  EXPECT_EQ(client.connections_opened(), 2U);

  server.command({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(call(client, {"SET", "key", "z"}).has_value());
}

TEST(RedisClientTest, FollowsNameToNewPrimary) {
  TestRedis old_primary;
  TestRedis new_primary;
  const test::TemporaryFolder folder;
  const std::string link = folder.file("primary");
  std::filesystem::create_symlink(old_primary.file("socket"), link);
  RedisClient client(options_for("unix://" + link));
  const RedisScript script("set", "return redis.call('SET', KEYS[1], ARGV[1])");
  ASSERT_TRUE(client.run(script, Arguments{"key"}, Arguments{"x"}).has_value());

  old_primary.command({"REPLICAOF", "127.0.0.1", "1"});
  std::filesystem::remove(link);
  std::filesystem::create_symlink(new_primary.file("socket"), link);
  const auto reply = client.run(script, Arguments{"key"}, Arguments{"y"});

  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  EXPECT_EQ(new_primary.command({"GET", "key"}).text(), "y");
  EXPECT_EQ(old_primary.command({"GET", "key"}).text(), "x");
}

TEST(RedisClientTest, ServerThatHangsCostsTheTimeLimit) {
  TestRedis server;
  RedisClient client(options_for(server.url(), milliseconds(300)));
  ASSERT_TRUE(call(client, {"PING"}).has_value());
  server.pause();

  const auto reply = call(client, {"PING"});

  server.resume();
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().kind, Kind::kUnavailable);
  EXPECT_TRUE(wait_until([&] { return call(client, {"PING"}).has_value(); }));
}

TEST(RedisClientTest, FailsAtOnceWhileItWaitsToConnectAgain) {
  TestRedis server;
  RedisProxy proxy(server);
  RedisClient client(options_for(proxy.url()));
  proxy.refuse();
  // The fifth delay is at least 0.6 s.
  ASSERT_TRUE(wait_until([&] { return !call(client, {"PING"}) && proxy.accepted() == 5; }));

  const auto first = call(client, {"PING"});
  const auto second = client.connect();

  EXPECT_EQ(proxy.accepted(), 5U);
  ASSERT_FALSE(first.has_value());
  EXPECT_EQ(first.error().kind, Kind::kUnavailable);
  EXPECT_THAT(first.error().message, HasSubstr("cannot connect to redis://127.0.0.1:"));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().message, first.error().message);

  proxy.pass();
  EXPECT_TRUE(wait_until([&] { return call(client, {"PING"}).has_value(); }));
  EXPECT_EQ(client.connections_opened(), 1U);
}

TEST(RedisClientTest, ConnectedThreadsGoOnWhileConnectsFail) {
  TestRedis server;
  RedisClient client(options_for(server.url()));
  ASSERT_TRUE(call(client, {"PING"}).has_value());
  server.command({"CONFIG", "SET", "maxclients", "2"});  // the client's and the test's

  EXPECT_FALSE(client.connect().has_value());

  EXPECT_TRUE(call(client, {"PING"}).has_value());
}

TEST(RedisClientTest, GivesConnectionsOfTheirOwn) {
  TestRedis server;
  RedisClient client(options_for(server.url()));
  ASSERT_TRUE(call(client, {"PING"}).has_value());

  const auto connection = client.connect();

  ASSERT_TRUE(connection.has_value());
  ASSERT_TRUE(send(**connection, {"BLPOP", "list", "0"}).has_value());
  EXPECT_TRUE(call(client, {"RPUSH", "list", "x"}).has_value());
  EXPECT_TRUE(receive(**connection).has_value());
  EXPECT_EQ(client.connections_opened(), 2U);
}

}  // namespace
}  // namespace patient_http::redis
