#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/redis/redis_client.h"
#include "drivers/redis/redis_connection.h"
#include "support/program.h"
#include "support/redis_proxy.h"
#include "support/test_redis.h"

namespace patient_http::redis {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::RedisProxy;
using test::TestRedis;
using test::wait_until;
using Kind = RedisFailure::Kind;

inline RedisConnectionOptions options_for(const std::string& url,
                                          milliseconds time_limit = seconds(20)) {
  RedisConnectionOptions options;
  options.address = parse_redis_url(url).value();
  options.time_limit = time_limit;
  return options;
}

inline std::unique_ptr<RedisConnection> open(const std::string& url) {
  auto connection = RedisConnection::open(options_for(url));
  EXPECT_TRUE(connection.has_value()) << connection.error().message;
  return std::move(connection.value());
}

// Of a RedisConnection or a RedisClient.
template <class T>
RedisResult<RedisReply> call(T& target, std::initializer_list<std::string_view> words) {
  return target.call({words.begin(), words.size()});
}

inline RedisResult<void> send(RedisConnection& connection,
                              std::initializer_list<std::string_view> words) {
  return connection.send({words.begin(), words.size()});
}

// Waits for what send() asked for.
inline RedisResult<RedisReply> receive(RedisConnection& connection) {
  for (;;) {
    RedisResult<std::optional<RedisReply>> reply = connection.receive();
    if (!reply) return unexpected(std::move(reply.error()));
    if (*reply) return std::move(**reply);
    pollfd waiting{connection.fd(), POLLIN, 0};
    ::poll(&waiting, 1, -1);
  }
}

}  // namespace patient_http::redis
