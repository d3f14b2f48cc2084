#include "drivers/redis/redis_failure.h"

#include <filesystem>

#include "drivers/redis/redis_fixture.h"

namespace patient_http::redis {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(RedisFailureTest, TellsWhatMayWorkLaterByCode) {
  const std::vector<std::pair<std::string, Kind>> cases = {
      {"OOM command not allowed when used memory > 'maxmemory'.", Kind::kUnavailable},
      {"ERR max number of clients reached", Kind::kUnavailable},
      {"UNBLOCKED force unblock from blocking operation", Kind::kUnavailable},
      {"READONLY You can't write against a read only replica.", Kind::kUnavailable},
      {"NOREPLICAS Not enough good replicas to write.", Kind::kUnavailable},
      {"MASTERDOWN Link with MASTER is down", Kind::kUnavailable},
      {"CLUSTERDOWN The cluster is down", Kind::kUnavailable},
      {"TRYAGAIN Multiple keys request during rehashing of slot", Kind::kUnavailable},
      // As Redis 6 words the failure of a command in a script.
      {"ERR Error running script (call to f_6b1bf486): @user_script:1: @user_script: 1: -OOM "
       "command not allowed when used memory > 'maxmemory'.",
       Kind::kUnavailable},
      {"ERR Error running script (call to f_6b1bf486): @user_script:1: user text", Kind::kRefused},
      {"WRONGTYPE Operation against a key holding the wrong kind of value", Kind::kRefused},
      {"NOPERM this user has no permissions", Kind::kRefused},
      {"MOVED 3999 127.0.0.1:6381", Kind::kRefused},
      {"OOMPH", Kind::kRefused},
      {"", Kind::kRefused},
      {"NOAUTH Authentication required.", Kind::kAuthentication},
      {"WRONGPASS invalid username-password pair", Kind::kAuthentication},
  };
  for (const auto& [error, kind] : cases)
    EXPECT_EQ(failure_of_error("GET", "redis://h:6379/0", error).kind, kind) << error;
}

TEST(RedisFailureTest, FullMemoryIsUnavailable) {
  TestRedis server({.memory_limit = "4mb"});
  const auto connection = open(server.url());
  const std::string value(512 << 10, 'x');
  RedisResult<RedisReply> reply;
  for (int i = 0; i < 20 && reply; ++i)
    reply = call(*connection, {"SET", "key" + std::to_string(i), value});

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().kind, Kind::kUnavailable);
  EXPECT_THAT(reply.error().message, HasSubstr("OOM"));
  const auto script =
      call(*connection, {"EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", "1", "key", value});
  ASSERT_FALSE(script.has_value());
  EXPECT_EQ(script.error().kind, Kind::kUnavailable);
  EXPECT_TRUE(connection->is_open());
}

TEST(RedisFailureTest, DiskThatCannotBeSavedToIsUnavailable) {
  TestRedis server({.arguments = {"--save", "3600 1", "--dbfilename", "taken"}});
  std::filesystem::create_directory(server.file("taken"));
  const auto connection = open(server.url());
  ASSERT_TRUE(call(*connection, {"SET", "key", "x"}).has_value());
  server.command({"BGSAVE"});
  ASSERT_TRUE(wait_until([&] {
    return server.command({"INFO", "persistence"}).text().find("rdb_last_bgsave_status:err") !=
           std::string_view::npos;
  }));

  const auto reply = call(*connection, {"SET", "key", "x"});

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().kind, Kind::kUnavailable);
  EXPECT_THAT(reply.error().message, HasSubstr("MISCONF"));
}

TEST(RedisFailureTest, ServerBusyWithScriptIsUnavailable) {
  TestRedis server({.arguments = {"--busy-reply-threshold", "20"}});
  const auto blocker = open(server.url());
  const auto connection = open(server.url());
  ASSERT_TRUE(send(*blocker, {"EVAL", "while true do end", "0"}).has_value());
  RedisResult<RedisReply> reply;

  ASSERT_TRUE(wait_until([&] {
    reply = call(*connection, {"GET", "key"});
    return !reply.has_value();
  }));
  EXPECT_EQ(reply.error().kind, Kind::kUnavailable);
  EXPECT_THAT(reply.error().message, HasSubstr("BUSY"));

  EXPECT_TRUE(call(*connection, {"SCRIPT", "KILL"}).has_value());
  const auto killed = receive(*blocker);
  ASSERT_FALSE(killed.has_value());
  EXPECT_EQ(killed.error().kind, Kind::kRefused);
  EXPECT_THAT(killed.error().message, HasSubstr("EVAL on "));
  EXPECT_TRUE(call(*connection, {"GET", "key"}).has_value());
}

TEST(RedisFailureTest, ServerThatLoadsItsDataIsUnavailable) {
  TestRedis server({.arguments = {"--enable-debug-command", "local", "--key-load-delay", "2000",
                                  "--loading-process-events-interval-bytes", "1024"}});
  const auto loader = open(server.url());
  const auto connection = open(server.url());
  ASSERT_TRUE(call(*loader, {"DEBUG", "POPULATE", "500", "key", "1000"}).has_value());
  ASSERT_TRUE(send(*loader, {"DEBUG", "RELOAD"}).has_value());
  RedisResult<RedisReply> reply;

  ASSERT_TRUE(wait_until([&] {
    reply = call(*connection, {"GET", "key"});
    return !reply.has_value();
  }));
  EXPECT_EQ(reply.error().kind, Kind::kUnavailable);
  EXPECT_THAT(reply.error().message, HasSubstr("LOADING"));

  EXPECT_TRUE(receive(*loader).has_value());
  EXPECT_TRUE(call(*connection, {"GET", "key"}).has_value());
}

TEST(RedisFailureTest, WhatTheUserMayNotDoIsRefused) {
  TestRedis server;
  server.command({"ACL", "SETUSER", "ann", "on", ">hush", "~allowed:*", "+get"});
  const auto connection = open("redis://ann:hush@127.0.0.1:" + std::to_string(server.port()));

  for (const auto& reply :
       {call(*connection, {"GET", "other"}), call(*connection, {"SET", "allowed:1", "x"})}) {
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().kind, Kind::kRefused);
    EXPECT_THAT(reply.error().message, HasSubstr("NOPERM"));
  }
  EXPECT_TRUE(call(*connection, {"GET", "allowed:1"}).has_value());
}

// It says so and closes the connection, while the value is still being sent.
TEST(RedisFailureTest, ValueThatIsTooLargeIsRefused) {
  TestRedis server({.arguments = {"--proto-max-bulk-len", "1mb"}});
  const auto connection = open(server.url());

  const auto reply = call(*connection, {"SET", "large", std::string(20 << 20, 'x')});

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().kind, Kind::kRefused);
  EXPECT_THAT(reply.error().message, AllOf(HasSubstr("SET on "), HasSubstr("bulk length")));
  EXPECT_FALSE(connection->is_open());
}

TEST(RedisFailureTest, TooManyClientsAreUnavailable) {
  TestRedis server({.arguments = {"--maxclients", "1"}});  // the test's own

  const auto connection = RedisConnection::open(options_for(server.url()));

  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().kind, Kind::kUnavailable);
}

}  // namespace
}  // namespace patient_http::redis
