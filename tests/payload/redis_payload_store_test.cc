#include "patient_http/redis_payload_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "payload/external_storage.h"
#include "payload/payload_store_conformance.h"
#include "support/program.h"
#include "support/redis_proxy.h"
#include "support/test_redis.h"

namespace patient_http::payload {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kKey = "07aa468d-b464-4e75-befb-4c20e7c4193d";
constexpr const char* kName = "patient_http:payloads:07aa468d-b464-4e75-befb-4c20e7c4193d";
constexpr const char* kCopy = "patient_http:payloads:copy:07aa468d-b464-4e75-befb-4c20e7c4193d";

// One server for all tests of this program: each begins with an empty database.
test::TestRedis& server() {
  static test::TestRedis redis;
  return redis;
}

std::unique_ptr<RedisPayloadStore> open(const RedisPayloadStoreOptions& options) {
  auto store = RedisPayloadStore::open(options);
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(*store);
}

class RedisBacking final : public PayloadBacking {
 public:
  explicit RedisBacking(RedisPayloadStoreOptions options) : options_(std::move(options)) {
    server().command({"FLUSHALL"});
    options_.url = server().url();
  }
  std::unique_ptr<PayloadStore> open() override { return payload::open(options_); }

 private:
  RedisPayloadStoreOptions options_;
};

std::unique_ptr<PayloadBacking> make_backing() {
  return std::make_unique<RedisBacking>(RedisPayloadStoreOptions{});
}
std::unique_ptr<PayloadBacking> make_backing_with_lifetime() {
  return std::make_unique<RedisBacking>(
      RedisPayloadStoreOptions{.lifetime = std::chrono::hours(1)});
}

std::unique_ptr<PayloadBacking> make_backing_with_copies() {
  return std::make_unique<RedisBacking>(
      RedisPayloadStoreOptions{.second_copy_lifetime = std::chrono::hours(1)});
}

INSTANTIATE_TEST_SUITE_P(Redis, PayloadStoreConformance,
                         testing::Values(make_backing, make_backing_with_lifetime,
                                         make_backing_with_copies));

class RedisPayloadStoreTest : public testing::Test {
 protected:
  RedisPayloadStoreTest() { server().command({"FLUSHALL"}); }

  static RedisPayloadStoreOptions options() { return {.url = server().url()}; }
  static std::string text(std::initializer_list<std::string_view> command) {
    return std::string(server().command(command).text());
  }
  static std::int64_t integer(std::initializer_list<std::string_view> command) {
    return server().command(command).integer();
  }
};

TEST_F(RedisPayloadStoreTest, HasTheKeysOfTheGem) {
  const auto store = open(options());
  ASSERT_TRUE(store->store(kKey, R"({"a":1})"));
  EXPECT_EQ(text({"GET", kName}), R"({"a":1})");
  EXPECT_EQ(integer({"PTTL", kName}), -1);
  EXPECT_EQ(integer({"DBSIZE"}), 1);
  ASSERT_TRUE(store->remove(kKey));
  EXPECT_EQ(integer({"DBSIZE"}), 0);
}

TEST_F(RedisPayloadStoreTest, ReadsWhatTheGemStored) {
  server().command({"SET", kName, "{\"a\":1}", "PX", "60000"});
  EXPECT_EQ(*open(options())->fetch(kKey), "{\"a\":1}");
}

TEST_F(RedisPayloadStoreTest, PutsThePrefixBeforeEachKey) {
  auto given = options();
  given.prefix = "other:";
  const auto store = open(given);
  ASSERT_TRUE(store->store(kKey, "1"));
  EXPECT_EQ(text({"GET", std::string("other:") + kKey}), "1");
  EXPECT_EQ(*open(options())->fetch(kKey), std::nullopt);
}

TEST_F(RedisPayloadStoreTest, LetsRedisEndThemAfterTheirLifetime) {
  auto given = options();
  given.lifetime = milliseconds(3'600'500);
  const auto store = open(given);
  ASSERT_TRUE(store->store(kKey, "1"));
  const std::int64_t left = integer({"PTTL", kName});
  EXPECT_LE(left, 3'600'500);
  EXPECT_GT(left, 3'600'500 - 60'000);
  // A replacement begins anew.
  server().command({"PEXPIRE", kName, "1000"});
  ASSERT_TRUE(store->store(kKey, "2"));
  EXPECT_GT(integer({"PTTL", kName}), 3'000'000);
  // One without a lifetime takes it away.
  ASSERT_TRUE(open(options())->store(kKey, "3"));
  EXPECT_EQ(integer({"PTTL", kName}), -1);
}

TEST_F(RedisPayloadStoreTest, SendsTheLifetimeToTheMillisecond) {
  auto given = options();
  given.lifetime = milliseconds(86'400'123);
  const auto store = open(given);
  server().command({"CONFIG", "SET", "slowlog-log-slower-than", "0"});
  server().command({"SLOWLOG", "RESET"});
  ASSERT_TRUE(store->store(kKey, "1"));
  const auto log = server().command({"SLOWLOG", "GET", "10"});
  server().command({"CONFIG", "SET", "slowlog-log-slower-than", "-1"});
  std::vector<std::string> set;
  for (const auto& entry : log.array()) {
    const auto& words = entry.array().at(3).array();
    if (words.at(0).text() != "SET") continue;
    for (const auto& word : words) set.emplace_back(word.text());
  }
  EXPECT_THAT(set, ElementsAre("SET", kName, "1", "PX", "86400123"));
}

TEST_F(RedisPayloadStoreTest, GivesBackAnyBytes) {
  const auto store = open(options());
  std::string bytes("\r\n$3\r\n", 6);
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  ASSERT_TRUE(store->store(kKey, bytes));
  EXPECT_EQ(*store->fetch(kKey), bytes);
}

TEST_F(RedisPayloadStoreTest, IsSharedByProcesses) {
  const auto store = open(options());
  ASSERT_TRUE(store->store(kKey, "\"ours\""));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto theirs = RedisPayloadStore::open({.url = server().url()});
    const bool is_well = theirs && (*theirs)->fetch(kKey).value_or("") == "\"ours\"" &&
                         (*theirs)->store(kKey, "\"theirs\"");
    ::_exit(is_well ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(*store->fetch(kKey), "\"theirs\"");
}

TEST_F(RedisPayloadStoreTest, RefusesEveryOtherKey) {
  const auto store = open(options());
  for (const std::string& key : {std::string(), std::string("queues"),
                                 std::string("07AA468D-B464-4E75-BEFB-4C20E7C4193D")}) {
    EXPECT_FALSE(store->store(key, "{}"));
    EXPECT_FALSE(store->fetch(key));
    EXPECT_FALSE(store->exists(key));
    EXPECT_FALSE(store->remove(key));
  }
  EXPECT_EQ(integer({"DBSIZE"}), 0);
}

TEST_F(RedisPayloadStoreTest, RefusesWhatIsLargerThanRedisTakes) {
  const auto store = open(options());
  constexpr std::size_t kSize = (std::size_t{512} << 20) + 1;
  // Nothing of it is touched.
  void* const pages =
      ::mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  const auto refused = store->store(kKey, {static_cast<const char*>(pages), kSize});
  ::munmap(pages, kSize);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "it has 536870913 bytes, and Redis takes at most 512 MB as one value");
}

TEST_F(RedisPayloadStoreTest, SaysWhenTheServerTakesLess) {
  test::TestRedis small({.arguments = {"--proto-max-bulk-len", "1mb"}});
  const auto store = open({.url = small.url()});
  const auto refused = store->store(kKey, std::string(2 << 20, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("invalid bulk length"), Not(HasSubstr("xxx"))));
  ASSERT_TRUE(store->store(kKey, "1"));
}

TEST_F(RedisPayloadStoreTest, SaysWhenTheMemoryIsFull) {
  test::TestRedis full({.memory_limit = "4mb"});
  const auto store = open({.url = full.url()});
  ASSERT_TRUE(store->store(kKey, "\"old\""));
  Result<void> refused;
  for (int i = 10; i < 30 && refused; ++i) {
    refused = store->store("00000000-0000-4000-8000-0000000000" + std::to_string(i),
                           std::string(512 << 10, 'x'));
  }
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("OOM"), Not(HasSubstr("xxx"))));
  EXPECT_EQ(*store->fetch(kKey), "\"old\"");
}

TEST_F(RedisPayloadStoreTest, SaysWhenThePasswordIsWrong) {
  test::TestRedis guarded({.password = "s3cret"});
  EXPECT_TRUE(RedisPayloadStore::open({.url = guarded.url()}));
  const std::string port = std::to_string(guarded.port());
  for (const std::string& userinfo : {std::string(), std::string(":wr0ng@")}) {
    const auto refused =
        RedisPayloadStore::open({.url = "redis://" + userinfo + "127.0.0.1:" + port});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, AllOf(HasSubstr("127.0.0.1:" + port),
                                               Not(HasSubstr("s3cret")), Not(HasSubstr("wr0ng"))));
  }
}

TEST_F(RedisPayloadStoreTest, NeedsNoMoreThanItsFewCommands) {
  test::TestRedis guarded({.user = "payloads", .user_password = "p"});
  guarded.command({"ACL", "SETUSER", "payloads", "resetkeys", "~patient_http:payloads:*", "-@all",
                   "+set", "+get", "+unlink", "+exists"});
  const std::string url = "redis://payloads:p@127.0.0.1:" + std::to_string(guarded.port());
  const auto store = open({.url = url});
  ASSERT_TRUE(store->store(kKey, "1"));
  EXPECT_EQ(*store->fetch(kKey), "1");
  ASSERT_TRUE(store->remove(kKey));
  EXPECT_EQ(*store->exists(kKey), false);

  // The same user may not copy, and is told at once.
  RedisPayloadStoreOptions copies{.url = url, .second_copy_lifetime = std::chrono::hours(1)};
  const auto refused = RedisPayloadStore::open(copies);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("NOPERM"));
  guarded.command({"ACL", "SETUSER", "payloads", "+copy", "+evalsha", "+script|load"});
  const auto copying = open(copies);
  ASSERT_TRUE(copying->store(kKey, "1"));
  EXPECT_FALSE(copying->restore(kKey).value());
  ASSERT_TRUE(copying->remove(kKey));
}

TEST_F(RedisPayloadStoreTest, FailsRatherThanMissesWhileItsServerIsAway) {
  test::TestRedis away({.keeps_data = true, .password = "s3cret"});
  const auto store = std::shared_ptr<PayloadStore>(open({.url = away.url()}));
  const ExternalStorage storage({{"redis", store}}, 10);
  const auto reference = storage.new_reference();
  ASSERT_TRUE(storage.store(reference, "\"long enough\""));
  away.kill();
  // A job whose payload is missing, or whose store fails, is tried again: its message says which.
  const auto failed = storage.fetch(reference);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message,
              AllOf(StartsWith("cannot fetch the payload " + reference.text() + ": "),
                    Not(HasSubstr("s3cret"))));
  EXPECT_FALSE(store->exists(reference.key()));
  EXPECT_FALSE(storage.remove(reference));
  const auto unstored = storage.store(storage.new_reference(), "\"long enough\"");
  ASSERT_FALSE(unstored);
  EXPECT_THAT(unstored.error().message, Not(HasSubstr("long enough")));
  EXPECT_FALSE(RedisPayloadStore::open({.url = away.url()}));
  away.restart();
  EXPECT_TRUE(test::wait_until([&] { return storage.fetch(reference).has_value(); }));
  EXPECT_EQ(*storage.fetch(reference), "\"long enough\"");
}

TEST_F(RedisPayloadStoreTest, GivesUpAServerThatDoesNotAnswer) {
  test::RedisProxy proxy(server());
  auto given = options();
  given.url = proxy.url();
  given.command_timeout = milliseconds(100);
  const auto store = open(given);
  proxy.freeze();
  const auto failed = store->fetch(kKey);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("no reply within 0.1 s"));
  proxy.pass();
  EXPECT_TRUE(test::wait_until([&] { return store->fetch(kKey).has_value(); }));
}

TEST_F(RedisPayloadStoreTest, KeepsACopyThatEndsByItself) {
  auto given = options();
  given.second_copy_lifetime = milliseconds(3'600'500);
  const auto store = open(given);
  ASSERT_TRUE(store->store(kKey, "1"));
  EXPECT_EQ(text({"GET", kCopy}), "1");
  EXPECT_GT(integer({"PTTL", kCopy}), 3'600'500 - 60'000);
  EXPECT_EQ(integer({"PTTL", kName}), -1);
  given.lifetime = milliseconds(1'000'000);
  ASSERT_TRUE(open(given)->store(kKey, "2"));
  EXPECT_EQ(text({"GET", kCopy}), "2");
  EXPECT_GT(integer({"PTTL", kName}), 1'000'000 - 60'000);
  EXPECT_LE(integer({"PTTL", kName}), 1'000'000);
  ASSERT_TRUE(store->remove(kKey));
  EXPECT_EQ(integer({"DBSIZE"}), 0);
}

TEST_F(RedisPayloadStoreTest, PutsBackWhatSomebodyElseRemovedForAsLongAsTheCopyLives) {
  auto given = options();
  given.second_copy_lifetime = std::chrono::hours(1);
  const auto store = open(given);
  ASSERT_TRUE(store->store(kKey, "1"));
  EXPECT_FALSE(store->restore(kKey).value());  // it is there
  EXPECT_EQ(integer({"PTTL", kName}), -1);
  server().command({"PEXPIRE", kCopy, "1800000"});
  server().command({"DEL", kName});
  EXPECT_TRUE(store->restore(kKey).value());
  EXPECT_EQ(store->fetch(kKey).value(), "1");
  EXPECT_GT(integer({"PTTL", kName}), 1'800'000 - 60'000);
  EXPECT_LE(integer({"PTTL", kName}), 1'800'000);
  ASSERT_TRUE(store->remove(kKey));
  EXPECT_FALSE(store->restore(kKey).value());
  EXPECT_EQ(integer({"DBSIZE"}), 0);
}

TEST_F(RedisPayloadStoreTest, PutsNothingBackWithoutCopies) {
  const auto store = open(options());
  EXPECT_FALSE(store->keeps_copies());
  server().command({"SET", kCopy, "1"});
  EXPECT_FALSE(store->restore(kKey).value());
  EXPECT_EQ(store->exists(kKey).value(), false);
}

TEST_F(RedisPayloadStoreTest, FailsWhenAKeyHoldsSomethingElse) {
  const auto store = open(options());
  server().command({"LPUSH", kName, "1"});
  const auto failed = store->fetch(kKey);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("WRONGTYPE"));
}

TEST_F(RedisPayloadStoreTest, RefusesWrongOptions) {
  EXPECT_TRUE(RedisPayloadStoreOptions().validate().empty());
  RedisPayloadStoreOptions wrong;
  wrong.url = "http://:s3cret@localhost";
  wrong.lifetime = milliseconds(0);
  wrong.second_copy_lifetime = milliseconds(-1);
  wrong.command_timeout = milliseconds(99);
  EXPECT_THAT(
      wrong.validate(),
      ElementsAre(
          AllOf(StartsWith("the url of the payload store must begin with redis://"),
                Not(HasSubstr("s3cret"))),
          "lifetime of the payload store must be at least 1 ms and at most 100 years",
          "second_copy_lifetime of the payload store must be at least 1 ms and at most 100 years",
          "command_timeout of the payload store must be at least 0.1 s"));
  const auto refused = RedisPayloadStore::open(wrong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, wrong.validate().front());
  wrong = {};
  wrong.lifetime = milliseconds::max();
  EXPECT_EQ(wrong.validate().size(), 1U);
  // The longest that is allowed is not too long for Redis.
  auto longest = options();
  longest.lifetime = std::chrono::hours(24 * 36500);
  EXPECT_TRUE(open(longest)->store(kKey, "1"));
}

}  // namespace
}  // namespace patient_http::payload
