#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "patient_http/result.h"

namespace patient_http::redis {

// Where a Redis server is, and who we are there.
struct RedisAddress {
  std::string host;  // without the brackets of IPv6; empty with a socket file
  std::uint16_t port = 6379;
  std::string unix_path;  // a socket file in place of host and port
  bool is_tls = false;
  std::string user;      // empty: the server's default user
  std::string password;  // both empty: no AUTH
  int database = 0;
};

// "redis://[user[:password]@]host[:port][/database]", "rediss://…" for TLS,
// "unix://[user:password@]/path[?db=database]". User and password percent-encoded.
//
// The failure is to be put behind the name of the option ("redis.url "): it says what to write
// instead and repeats nothing of the url.
[[nodiscard]] Result<RedisAddress> parse_redis_url(std::string_view url);

// For logs and messages, without user and password: "redis://host:6379/0".
[[nodiscard]] std::string describe(const RedisAddress& address);

}  // namespace patient_http::redis
