#include "drivers/redis/redis_connection.h"

#include "drivers/redis/redis_fixture.h"
#include "support/test_http_server.h"

namespace patient_http::redis {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(RedisConnectionTest, GivesEachKindOfReply) {
  TestRedis server;
  const auto connection = open(server.url());

  EXPECT_EQ(call(*connection, {"SET", "key", "value"}).value().text(), "OK");
  EXPECT_EQ(call(*connection, {"GET", "key"}).value().text(), "value");
  EXPECT_TRUE(call(*connection, {"GET", "other"}).value().is_nil());
  EXPECT_EQ(call(*connection, {"INCRBY", "number", "-7"}).value().integer(), -7);
  EXPECT_TRUE(call(*connection, {"LRANGE", "list", "0", "-1"}).value().array().empty());
  const auto nested = call(*connection, {"EVAL", "return {1, {2, 'x'}, false}", "0"});
  ASSERT_EQ(nested->array().size(), 3U);
  EXPECT_EQ(nested->array()[1].array().at(1).text(), "x");
  EXPECT_TRUE(nested->array()[2].is_nil());
}

TEST(RedisConnectionTest, KeepsEveryByte) {
  TestRedis server;
  const auto connection = open(server.url());
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);

  ASSERT_TRUE(call(*connection, {"SET", bytes, "\r\n$3\r\n" + bytes}).has_value());

  EXPECT_EQ(call(*connection, {"GET", bytes}).value().text(), "\r\n$3\r\n" + bytes);
  EXPECT_EQ(call(*connection, {"SET", "empty", ""}).value().text(), "OK");
  EXPECT_EQ(call(*connection, {"GET", "empty"}).value().text(), "");
}

TEST(RedisConnectionTest, CarriesLargeValuesBothWays) {
  TestRedis server;
  const auto connection = open(server.url());
  std::string large(20 << 20, 'x');
  large[12345678] = 'y';

  ASSERT_TRUE(call(*connection, {"SET", "large", large}).has_value());
  auto reply = call(*connection, {"MGET", "large", "large"});

  ASSERT_TRUE(reply.has_value());
  EXPECT_TRUE(reply->array().at(0).text() == large);
  EXPECT_TRUE(reply->take_array().at(1).take_text() == large);
}

TEST(RedisConnectionTest, SendsWhileServerSends) {
  TestRedis server;
  const auto connection = open(server.url());
  const std::string large(20 << 20, 'x');

  ASSERT_TRUE(send(*connection, {"ECHO", large}).has_value());
  ASSERT_TRUE(send(*connection, {"ECHO", large}).has_value());

  EXPECT_TRUE(receive(*connection).value().text() == large);
  EXPECT_TRUE(receive(*connection).value().text() == large);
}

TEST(RedisConnectionTest, StaysOpenAfterErrorReply) {
  TestRedis server;
  const auto connection = open(server.url());
  ASSERT_TRUE(call(*connection, {"SET", "text", "x"}).has_value());

  const auto refused = call(*connection, {"LPUSH", "text", "argument"});

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, Kind::kRefused);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("LPUSH on redis://127.0.0.1:"),
                                             HasSubstr("WRONGTYPE"), Not(HasSubstr("argument"))));
  EXPECT_TRUE(connection->is_open());
  EXPECT_EQ(call(*connection, {"GET", "text"}).value().text(), "x");
}

// Redis quotes the arguments of commands that it does not know.
TEST(RedisConnectionTest, RepeatsNoArgumentOfUnknownCommand) {
  TestRedis server;
  const auto connection = open(server.url());

  const auto refused = call(*connection, {"NOSUCH", "hush", "hush"});

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, Kind::kRefused);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("unknown command"), Not(HasSubstr("hush"))));
}

TEST(RedisConnectionTest, ClosesWhenNoReplyComesInTime) {
  TestRedis server;
  RedisProxy proxy(server);
  const auto connection = RedisConnection::open(options_for(proxy.url(), milliseconds(300)));
  ASSERT_TRUE(connection.has_value()) << connection.error().message;
  proxy.freeze();
  const auto begin = std::chrono::steady_clock::now();

  const auto reply = call(**connection, {"GET", "key"});

  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().kind, Kind::kUnavailable);
  EXPECT_THAT(reply.error().message, AllOf(HasSubstr("GET on "), HasSubstr("within 0.3 s")));
  EXPECT_FALSE((*connection)->is_open());
  EXPECT_EQ(call(**connection, {"GET", "key"}).error().kind, Kind::kUnavailable);
}

TEST(RedisConnectionTest, GivesUpWritingToServerThatReadsNothing) {
  TestRedis server;
  const auto connection = RedisConnection::open(options_for(server.url(), milliseconds(300)));
  ASSERT_TRUE(connection.has_value()) << connection.error().message;
  server.pause();

  const auto reply = call(**connection, {"SET", "large", std::string(20 << 20, 'x')});

  server.resume();
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().kind, Kind::kUnavailable);
  EXPECT_FALSE((*connection)->is_open());
}

TEST(RedisConnectionTest, GivesUpConnectingInTime) {
  TestRedis server;
  server.pause();

  const auto connection = RedisConnection::open(options_for(server.url(), milliseconds(300)));

  server.resume();
  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().kind, Kind::kUnavailable);
  EXPECT_THAT(connection.error().message, HasSubstr("cannot connect to redis://127.0.0.1:"));
}

TEST(RedisConnectionTest, SaysWhenNobodyListens) {
  TestRedis server;
  const std::string url = server.url();
  const std::string unix_url = server.unix_url();
  server.stop();

  for (const std::string& dead : {url, unix_url}) {
    const auto connection = RedisConnection::open(options_for(dead));
    ASSERT_FALSE(connection.has_value());
    EXPECT_EQ(connection.error().kind, Kind::kUnavailable);
    EXPECT_THAT(connection.error().message, HasSubstr("cannot connect to " + dead + ": connect"));
  }
}

TEST(RedisConnectionTest, FailsOnServerThatIsNoRedis) {
  test::TestHttpServer server;
  server.greet("HTTP/1.1 400 Bad Request\r\n");

  const auto connection =
      RedisConnection::open(options_for("redis://127.0.0.1:" + std::to_string(server.port())));

  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().kind, Kind::kUnavailable);
  EXPECT_THAT(connection.error().message, HasSubstr("Protocol error"));
}

TEST(RedisConnectionTest, BlockingCommandIsPolledFor) {
  TestRedis server;
  const auto connection = open(server.url());
  ASSERT_TRUE(send(*connection, {"BLPOP", "list", "0"}).has_value());

  const auto before = connection->receive();
  server.command({"RPUSH", "list", "element"});
  const auto reply = receive(*connection);

  ASSERT_TRUE(before.has_value());
  EXPECT_FALSE(before->has_value());
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->array().at(1).text(), "element");
}

TEST(RedisConnectionTest, SaysThatMoreRepliesCameAtOnce) {
  TestRedis server;
  const auto connection = open(server.url());
  // Both replies are written in one go when the first is.
  ASSERT_TRUE(send(*connection, {"BLPOP", "list", "0"}).has_value());
  ASSERT_TRUE(send(*connection, {"ECHO", "second"}).has_value());
  server.command({"RPUSH", "list", "element"});

  const auto first = receive(*connection);
  const auto second = receive(*connection);

  EXPECT_EQ(first->array().at(1).text(), "element");
  EXPECT_EQ(second->text(), "second");
  EXPECT_FALSE(connection->has_unread());
}

TEST(RedisConnectionTest, NoticesEndWhileBlocked) {
  TestRedis server;
  const auto connection = open(server.url());
  ASSERT_TRUE(send(*connection, {"BLPOP", "list", "0"}).has_value());
  server.kill();

  const auto reply = receive(*connection);

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().kind, Kind::kUnavailable);
  EXPECT_THAT(reply.error().message, HasSubstr("BLPOP on "));
  EXPECT_FALSE(connection->is_open());
}

TEST(RedisConnectionTest, FrozenBytesGoThroughLater) {
  TestRedis server;
  RedisProxy proxy(server);
  const auto connection = open(proxy.url());
  proxy.freeze();
  ASSERT_TRUE(send(*connection, {"INCR", "count"}).has_value());
  EXPECT_TRUE(server.command({"GET", "count"}).is_nil());

  proxy.pass();

  EXPECT_EQ(receive(*connection).value().integer(), 1);
}

TEST(RedisConnectionTest, WorksOverSocketFile) {
  TestRedis server;
  const auto connection = open(server.unix_url(3));
  const std::string large(20 << 20, 'x');

  ASSERT_TRUE(call(*connection, {"SET", "large", large}).has_value());

  EXPECT_TRUE(call(*connection, {"GET", "large"}).value().text() == large);
  EXPECT_EQ(server.command({"EXISTS", "large"}).integer(), 0);  // in database 0
}

TEST(RedisConnectionTest, SelectsDatabaseAndNamesItself) {
  TestRedis server;
  const auto connection = open(server.url(5));

  ASSERT_TRUE(call(*connection, {"SET", "key", "x"}).has_value());

  EXPECT_EQ(server.command({"EXISTS", "key"}).integer(), 0);
  EXPECT_EQ(call(*connection, {"CLIENT", "GETNAME"}).value().text(), "patient-http");
}

TEST(RedisConnectionTest, MissingDatabaseIsNoMatterOfWaiting) {
  TestRedis server;

  const auto connection = RedisConnection::open(options_for(server.url(99)));

  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().kind, Kind::kAuthentication);
  EXPECT_THAT(connection.error().message, AllOf(HasSubstr("SELECT on "), HasSubstr("DB index")));
}

TEST(RedisConnectionTest, TakesPasswordAndUser) {
  TestRedis server({.password = "hush", .user = "ann", .user_password = "p@ss word"});

  EXPECT_TRUE(RedisConnection::open(options_for(server.url())).has_value());
  const std::string at = "@127.0.0.1:" + std::to_string(server.port());
  EXPECT_TRUE(RedisConnection::open(options_for("redis://ann:p%40ss%20word" + at)).has_value());
}

TEST(RedisConnectionTest, SaysWhatIsWrongWithCredentialsAndNeverThePassword) {
  TestRedis server({.password = "hush"});
  const std::string address = "127.0.0.1:" + std::to_string(server.port());

  for (const std::string& url : {"redis://:secret@" + address, "redis://bob:secret@" + address,
                                 "redis://bob@" + address, "redis://" + address}) {
    SCOPED_TRACE(url);
    const auto connection = RedisConnection::open(options_for(url));
    ASSERT_FALSE(connection.has_value());
    EXPECT_EQ(connection.error().kind, Kind::kAuthentication);
    EXPECT_THAT(connection.error().message,
                AllOf(HasSubstr("redis://" + address), Not(HasSubstr("secret"))));
  }
}

TEST(RedisConnectionTest, PasswordForServerWithoutOneIsSaid) {
  TestRedis server;

  const auto connection = RedisConnection::open(
      options_for("redis://:secret@127.0.0.1:" + std::to_string(server.port())));

  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().kind, Kind::kAuthentication);
  EXPECT_THAT(connection.error().message, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace patient_http::redis
