#include "engine/protocol_memory.h"

#include <gtest/gtest.h>

namespace patient_http::engine {
namespace {

base::Origin origin(const std::string& host) {
  return {"https", host, 443};
}

TEST(ProtocolMemoryTest, KnowsNothingOfOriginsThatWereNeverTold) {
  ProtocolMemory memory(2);
  memory.remember(origin("a"), {.is_http2 = true, .stream_limit = 7});
  EXPECT_EQ(memory.find(origin("a"))->stream_limit, 7U);
  EXPECT_FALSE(memory.find({"http", "a", 443}).has_value());
  EXPECT_FALSE(memory.find({"https", "a", 8443}).has_value());
}

TEST(ProtocolMemoryTest, KeepsWhatWasSaidLast) {
  ProtocolMemory memory(2);
  memory.remember(origin("a"), {.is_http2 = true, .stream_limit = 7});
  memory.remember(origin("a"), {.is_http2_unwanted = true});
  EXPECT_FALSE(memory.find(origin("a"))->is_http2);
  EXPECT_TRUE(memory.find(origin("a"))->is_http2_unwanted);
  EXPECT_FALSE(memory.find(origin("a"))->stream_limit.has_value());
}

TEST(ProtocolMemoryTest, ForgetsTheOriginThatWasAskedForLongestAgo) {
  ProtocolMemory memory(3);
  for (const char* host : {"a", "b", "c"}) memory.remember(origin(host), {.is_http2 = true});
  EXPECT_TRUE(memory.find(origin("a")).has_value());
  memory.remember(origin("b"), {});
  memory.remember(origin("d"), {});
  EXPECT_FALSE(memory.find(origin("c")).has_value());
  for (const char* host : {"a", "b", "d"}) EXPECT_TRUE(memory.find(origin(host))) << host;
}

}  // namespace
}  // namespace patient_http::engine
