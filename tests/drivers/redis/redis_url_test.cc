#include "drivers/redis/redis_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace patient_http::redis {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(RedisUrlTest, TakesEveryPartOfTcpUrl) {
  const auto address = parse_redis_url("redis://ann:secret@db.example:6380/7");

  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->host, "db.example");
  EXPECT_EQ(address->port, 6380);
  EXPECT_EQ(address->user, "ann");
  EXPECT_EQ(address->password, "secret");
  EXPECT_EQ(address->database, 7);
  EXPECT_FALSE(address->is_tls);
  EXPECT_EQ(address->unix_path, "");
}

struct Good {
  std::string url;
  std::string description;
  std::string user;
  std::string password;
};

TEST(RedisUrlTest, AcceptsItsFormsAndDescribesThemWithoutCredentials) {
  const std::vector<Good> cases = {
      {"redis://localhost", "redis://localhost:6379/0", "", ""},
      {"redis://localhost/", "redis://localhost:6379/0", "", ""},
      {"redis://localhost:/3", "redis://localhost:6379/3", "", ""},
      {"REDIS://localhost", "redis://localhost:6379/0", "", ""},
      {"redis://:hush@localhost", "redis://localhost:6379/0", "", "hush"},
      {"redis://ann@localhost", "redis://localhost:6379/0", "ann", ""},
      {"redis://a%3Ab:p%40%2F%25@localhost", "redis://localhost:6379/0", "a:b", "p@/%"},
      {"redis://:pa:ss@localhost", "redis://localhost:6379/0", "", "pa:ss"},
      {"redis://:pa@ss@localhost", "redis://localhost:6379/0", "", "pa@ss"},
      {"redis://[::1]:7000/1", "redis://[::1]:7000/1", "", ""},
      {"redis://u:p@[2001:db8::2]", "redis://[2001:db8::2]:6379/0", "u", "p"},
      {"rediss://cache.example:6390/2", "rediss://cache.example:6390/2", "", ""},
      {"unix:///run/redis.sock", "unix:///run/redis.sock?db=0", "", ""},
      {"unix:///run/redis.sock?db=4", "unix:///run/redis.sock?db=4", "", ""},
      {"unix://u:p@/run/my%20redis?db=4", "unix:///run/my redis?db=4", "u", "p"},
  };
  for (const Good& good : cases) {
    SCOPED_TRACE(good.url);
    const auto address = parse_redis_url(good.url);
    ASSERT_TRUE(address.has_value()) << address.error().message;
    EXPECT_EQ(describe(*address), good.description);
    EXPECT_EQ(address->user, good.user);
    EXPECT_EQ(address->password, good.password);
  }
}

TEST(RedisUrlTest, SaysWhatToWriteInsteadAndNeverThePassword) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "must begin with redis://"},
      {"localhost:6379", "must begin with redis://"},
      {"hush://localhost", "must begin with redis://"},
      {"http://u:hush@localhost", "must begin with redis://"},
      {"redis://", "must name a host"},
      {"redis:///0", "must name a host"},
      {"redis://:hush@:6379", "must name a host"},
      {"redis://:hush@local host", "host name of letters"},
      {"redis://:hu%zzsh@localhost", "written as %25"},
      {"redis://:hush%@localhost", "written as %25"},
      {"redis://:hu/sh@localhost", "%2F"},
      {"redis://:hu#sh@localhost", "%23"},
      {"redis://:hush@localhost:0", "port from 1 to 65535"},
      {"redis://:hush@localhost:65536", "port from 1 to 65535"},
      {"redis://:hush@localhost:six", "port from 1 to 65535"},
      {"redis://:hush@::1", "in brackets"},
      {"redis://:hush@[::1", "in brackets"},
      {"redis://:hush@[::1]6379", "in brackets"},
      {"redis://:hush@localhost/one", "number as its database"},
      {"redis://:hush@localhost/-1", "number as its database"},
      {"redis://:hush@localhost/1/2", "number as its database"},
      {"redis://:hush@localhost/0?db=1", "nothing behind the database"},
      {"unix://run/redis.sock", "three slashes"},
      {"unix://", "path of a socket file"},
      {"unix://u:hush@/", "path of a socket file"},
      {"unix:///run/%00", "path of a socket file"},
      {"unix:///run/redis.sock?database=1", "?db="},
      {"unix:///run/redis.sock?db=x", "number as its database"},
      {"unix:///" + std::string(200, 'x'), "at most 107 bytes"},
  };
  for (const auto& [url, part] : cases) {
    SCOPED_TRACE(url);
    const auto address = parse_redis_url(url);
    ASSERT_FALSE(address.has_value());
    EXPECT_THAT(address.error().message, AllOf(HasSubstr(part), Not(HasSubstr("hush"))));
  }
}

}  // namespace
}  // namespace patient_http::redis
