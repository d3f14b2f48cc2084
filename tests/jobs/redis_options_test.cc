#include "patient_http/redis_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace patient_http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(RedisOptionsTest, AreValidAsTheyAre) {
  EXPECT_THAT(RedisOptions().validate(), IsEmpty());
}

TEST(RedisOptionsTest, NamesAllThatIsWrong) {
  RedisOptions options;
  options.url = "http://user:hunter2@host";
  options.queues = {{"a"}, {"a"}, {"", -1}};
  options.callback_queue = "a";
  options.callback_retries = -1;
  options.heartbeat_interval = options.orphan_threshold;
  options.command_timeout = options.lease;
  const auto problems = options.validate();
  EXPECT_THAT(problems, ElementsAre(HasSubstr("redis.url must"), HasSubstr("\"a\" is listed twice"),
                                    HasSubstr("must have names"), HasSubstr("the weight of"),
                                    HasSubstr("the callback queue \"a\" is a queue of requests"),
                                    HasSubstr("the callback queue \"a\" is a queue of requests"),
                                    HasSubstr("callback_retries must be 0 or more"),
                                    HasSubstr("command_timeout must be less than redis.lease"),
                                    HasSubstr("heartbeat_interval must be less than")));
  for (const std::string& problem : problems) EXPECT_THAT(problem, Not(HasSubstr("hunter2")));
}

TEST(RedisOptionsTest, TakesASharedQueueForCallbacksToo) {
  RedisOptions options;
  options.queues = {{.name = "default", .weight = 0, .is_shared = true}};
  EXPECT_THAT(options.validate(), IsEmpty());
}

TEST(RedisOptionsTest, KeepsOurOwnCallbacksApart) {
  RedisOptions options;
  options.queues = {{"patient_http_callbacks"}};
  EXPECT_THAT(options.validate(), ElementsAre(HasSubstr("own callbacks wait")));
  options = RedisOptions();
  options.callback_queue = options.own_callback_queue;
  EXPECT_THAT(options.validate(), ElementsAre(HasSubstr("own callbacks wait")));
}

}  // namespace
}  // namespace patient_http
