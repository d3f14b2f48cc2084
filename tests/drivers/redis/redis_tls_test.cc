#include "drivers/redis/redis_fixture.h"
#include "support/test_certificate.h"

namespace patient_http::redis {
namespace {

using test::TestCertificate;
using testing::HasSubstr;

RedisConnectionOptions trusting_options(const std::string& url) {
  RedisConnectionOptions options = options_for(url);
  options.ca_file = TestCertificate::get().ca_file;
  return options;
}

TEST(RedisTlsTest, CarriesLargeValuesOverOneConnection) {
  TestRedis server({.password = "hush", .tls = &TestCertificate::get()});
  RedisClient client(trusting_options(server.url(2)));
  const std::string large(20 << 20, 'x');

  ASSERT_TRUE(call(client, {"SET", "large", large}).has_value());
  const auto reply = call(client, {"GET", "large"});

  EXPECT_TRUE(reply->text() == large);
  EXPECT_EQ(client.connections_opened(), 1U);
}

TEST(RedisTlsTest, RepliesThatAreBufferedAreAnnounced) {
  TestRedis server({.tls = &TestCertificate::get()});
  const auto connection = RedisConnection::open(trusting_options(server.url()));
  ASSERT_TRUE(connection.has_value()) << connection.error().message;
  ASSERT_TRUE(send(**connection, {"ECHO", "first"}).has_value());
  ASSERT_TRUE(send(**connection, {"ECHO", "second"}).has_value());

  EXPECT_EQ(receive(**connection).value().text(), "first");
  EXPECT_EQ(receive(**connection).value().text(), "second");
  EXPECT_FALSE((*connection)->has_unread());
}

TEST(RedisTlsTest, NoticesRestartWhileIdle) {
  TestRedis server({.tls = &TestCertificate::get()});
  RedisClient client(trusting_options(server.url()));
  ASSERT_TRUE(call(client, {"PING"}).has_value());

  server.restart();

  EXPECT_TRUE(call(client, {"PING"}).has_value());
  EXPECT_EQ(client.connections_opened(), 2U);
}

TEST(RedisTlsTest, RefusesServerThatIsNotTrusted) {
  TestRedis server({.tls = &TestCertificate::get()});

  const auto connection = RedisConnection::open(options_for(server.url()));

  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().kind, Kind::kUnavailable);
  EXPECT_THAT(connection.error().message, HasSubstr("certificate verify failed"));
}

TEST(RedisTlsTest, RefusesCertificateOfAnotherHost) {
  TestRedis server({.tls = &TestCertificate::for_wrong_host()});

  const auto connection = RedisConnection::open(trusting_options(server.url()));

  ASSERT_FALSE(connection.has_value());
  EXPECT_THAT(connection.error().message, HasSubstr("certificate verify failed"));
}

TEST(RedisTlsTest, SaysThatFileOfCertificatesIsMissing) {
  RedisConnectionOptions options = options_for("rediss://127.0.0.1:1");
  options.ca_file = "/no/such/file";

  const auto connection = RedisConnection::open(options);

  ASSERT_FALSE(connection.has_value());
  EXPECT_THAT(connection.error().message, HasSubstr("/no/such/file"));
}

TEST(RedisTlsTest, PlainConnectionToTlsServerFails) {
  TestRedis server({.tls = &TestCertificate::get()});

  const auto connection =
      RedisConnection::open(options_for("redis://127.0.0.1:" + std::to_string(server.port())));

  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().kind, Kind::kUnavailable);
}

TEST(RedisTlsTest, TlsConnectionToPlainServerFails) {
  TestRedis server;

  RedisConnectionOptions options =
      trusting_options("rediss://127.0.0.1:" + std::to_string(server.port()));
  options.time_limit = milliseconds(300);  // it waits for the end of a line

  const auto connection = RedisConnection::open(options);

  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().kind, Kind::kUnavailable);
  EXPECT_THAT(connection.error().message, HasSubstr("TLS handshake: timed out"));
}

}  // namespace
}  // namespace patient_http::redis
