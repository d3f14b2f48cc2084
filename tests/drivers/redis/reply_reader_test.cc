#include "drivers/redis/reply_reader.h"

#include <gtest/gtest.h>

namespace patient_http::redis {
namespace {

constexpr std::string_view kNested = "*4\r\n:7\r\n*2\r\n$3\r\na\r\n\r\n*1\r\n+OK\r\n$-1\r\n*0\r\n";

void expect_nested(const RedisReply& reply) {
  ASSERT_EQ(reply.array().size(), 4U);
  EXPECT_EQ(reply.array()[0].integer(), 7);
  ASSERT_EQ(reply.array()[1].array().size(), 2U);
  EXPECT_EQ(reply.array()[1].array()[0].text(), "a\r\n");
  EXPECT_EQ(reply.array()[1].array()[1].array().at(0).text(), "OK");
  EXPECT_TRUE(reply.array()[2].is_nil());
  EXPECT_TRUE(reply.array()[3].is_array());
  EXPECT_TRUE(reply.array()[3].array().empty());
}

TEST(ReplyReaderTest, BuildsNestedReplyFromSingleBytes) {
  ReplyReader reader;
  for (std::size_t i = 0; i + 1 < kNested.size(); ++i) {
    ASSERT_TRUE(reader.feed(kNested.substr(i, 1)).has_value());
    const auto reply = reader.next();
    ASSERT_TRUE(reply.has_value());
    ASSERT_FALSE(reply->has_value()) << i;
  }

  ASSERT_TRUE(reader.feed(kNested.substr(kNested.size() - 1)).has_value());
  const auto reply = reader.next();

  ASSERT_TRUE(reply.has_value() && reply->has_value());
  expect_nested(**reply);
  EXPECT_FALSE(reader.has_bytes());
}

TEST(ReplyReaderTest, GivesRepliesOfOneReadOneByOne) {
  ReplyReader reader;
  ASSERT_TRUE(reader.feed("+OK\r\n-ERR no\r\n*-1\r\n$5\r\nhel").has_value());

  EXPECT_EQ(reader.next().value()->text(), "OK");
  const auto error = reader.next().value();
  EXPECT_TRUE(error->is_error());
  EXPECT_EQ(error->text(), "ERR no");
  EXPECT_TRUE(reader.next().value()->is_nil());
  EXPECT_FALSE(reader.next().value().has_value());
  EXPECT_TRUE(reader.has_bytes());
}

TEST(ReplyReaderTest, FailsOnOtherProtocols) {
  ReplyReader reader;
  ASSERT_TRUE(reader.feed("HTTP/1.1 400 Bad Request\r\n").has_value());

  EXPECT_FALSE(reader.next().has_value());
}

// The memory is taken as the elements come.
TEST(ReplyReaderTest, BelievesNoEnormousSize) {
  ReplyReader reader;
  ASSERT_TRUE(reader.feed("*2000000000\r\n:1\r\n").has_value());

  const auto reply = reader.next();

  ASSERT_TRUE(reply.has_value());
  EXPECT_FALSE(reply->has_value());
}

TEST(ReplyReaderTest, TakesLongArrays) {
  constexpr int kSize = 100'000;
  std::string bytes = "*" + std::to_string(kSize) + "\r\n";
  for (int i = 0; i < kSize; ++i) bytes += "*1\r\n:" + std::to_string(i) + "\r\n";
  ReplyReader reader;
  ASSERT_TRUE(reader.feed(bytes).has_value());

  const auto reply = reader.next().value();

  ASSERT_EQ(reply->array().size(), static_cast<std::size_t>(kSize));
  EXPECT_EQ(reply->array()[kSize - 1].array().at(0).integer(), kSize - 1);
}

}  // namespace
}  // namespace patient_http::redis
