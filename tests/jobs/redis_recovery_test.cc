// Redis, Ruby or a process of ours fails: what is lost, found again, and left alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "jobs/redis_store_fixture.h"
#include "support/program.h"
#include "support/redis_proxy.h"

namespace patient_http::jobs {
namespace {

using conformance::completion_of;
using conformance::jids;
using conformance::job_bytes;
using conformance::kDone;
using conformance::kGone;
using conformance::kNow;
using conformance::must;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using RedisRecoveryTest = RedisJobStoreTest;

TEST_F(RedisRecoveryTest, DropsAResultWhoseRequestARubyProcessTook) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  push_from_ruby(job_bytes("b"));
  const auto claims = must(store->claim(2));
  const std::string member = store->process_id() + "/id of a";
  server().command({"ZREM", kIndex, member});
  server().command({"HDEL", kRegistry, member});
  EXPECT_THAT(
      must(store->complete(std::vector{completion_of(claims[0]), completion_of(claims[1])})),
      ElementsAre(kGone, kDone));
}

TEST_F(RedisRecoveryTest, RescuesEverythingWhenTheRegistryOfTheGemWasLost) {
  const auto store = open();
  auto victim = open();
  for (const char* name : {"a", "b"}) push_from_ruby(job_bytes(name));
  ASSERT_EQ(must(victim->claim(2)).size(), 2U);
  const std::string dead = victim->process_id();
  end_lease(dead);
  server().command({"DEL", kIndex, kRegistry, "sidekiq:patient_http:processes"});
  server().command({"HSET", kRegistry, "ruby:1:00/x", "{}"});
  EXPECT_EQ(must(store->rescue(kNow)), 2);
  EXPECT_THAT(jids(must(store->claim(5))), ElementsAre("a", "b"));
}

TEST_F(RedisRecoveryTest, EntersItsClaimsAgainWhenTheRegistryOfTheGemWasLost) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  const auto first = must(store->claim(1));
  server().command({"DEL", kIndex, kRegistry});
  push_from_ruby(job_bytes("b"));
  const auto second = must(store->claim(1));
  EXPECT_EQ(integer({"ZCARD", kIndex}), 2);
  server().command({"DEL", kIndex, kRegistry});
  must(store->heartbeat({}));
  EXPECT_EQ(integer({"ZCARD", kIndex}), 2);
  EXPECT_THAT(must(store->complete(std::vector{completion_of(first[0]), completion_of(second[0])})),
              ElementsAre(kDone, kDone));
}

// A rescuer put them into its own queue, where nobody knew their callbacks.
TEST_F(RedisRecoveryTest, RescuesCallbacksIntoTheQueueThatTheirJobNames) {
  const auto victims = [&](const std::string& own_queue) {
    auto options = options_of(server().url());
    options.redis.own_callback_queue = own_queue;
    return open(options);
  };
  const auto callback_of = [](const std::string& jid, const std::string& queue) {
    return R"({"class":"PatientHttp::Sidekiq::CallbackWorker","queue":")" + queue + R"(","jid":")" +
           jid + "\"}";
  };
  const auto mine = victims("mine");
  const auto yours = victims("yours");
  push_from_ruby(callback_of("a", "mine"), "mine");
  push_from_ruby(callback_of("b", "mine"), "mine");
  push_from_ruby(R"({"jid":"names none"})", "mine");
  push_from_ruby(callback_of("c", "yours"), "yours");
  ASSERT_EQ(must(mine->claim_callbacks(5)).size(), 3U);
  ASSERT_EQ(must(yours->claim_callbacks(5)).size(), 1U);
  server().command({"DEL", "queues"});

  end_lease(mine->process_id());
  EXPECT_EQ(must(yours->rescue(kNow)), 3);
  EXPECT_THAT(queue("mine"), ElementsAre(callback_of("b", "mine"), callback_of("a", "mine")));
  EXPECT_THAT(queue("yours"), ElementsAre(R"({"jid":"names none"})"));
  EXPECT_THAT(list({"SMEMBERS", "queues"}), UnorderedElementsAre("mine", "yours"));

  must(mine->heartbeat({}));
  end_lease(yours->process_id());
  EXPECT_EQ(must(mine->rescue(kNow)), 1);
  EXPECT_THAT(queue("yours"), ElementsAre(callback_of("c", "yours"), R"({"jid":"names none"})"));
}

TEST_F(RedisRecoveryTest, RescuesNothingWhenTheQueueOfACallbackHoldsSomethingElse) {
  const auto store = open();
  const auto victim = open();
  push_from_ruby(job_bytes("a"));
  ASSERT_EQ(must(victim->claim(1)).size(), 1U);
  push_from_ruby(R"({"queue":"odd","jid":"c"})", "patient_http_callbacks");
  ASSERT_EQ(must(victim->claim_callbacks(1)).size(), 1U);
  server().command({"SET", "queue:odd", "1"});
  end_lease(victim->process_id());
  EXPECT_FALSE(store->rescue(kNow));
  EXPECT_THAT(queue("patient_http_requests"), IsEmpty());
  server().command({"DEL", "queue:odd"});
  EXPECT_EQ(must(store->rescue(kNow)), 2);
}

TEST_F(RedisRecoveryTest, RescuesNobodyWhileItIsItselfOutOfTouch) {
  auto victim = open();
  push_from_ruby(job_bytes("a"));
  ASSERT_EQ(must(victim->claim(1)).size(), 1U);
  end_lease(victim->process_id());
  auto options = options_of(server().url());
  options.trust_after = std::nullopt;  // a whole lease
  const auto store = open(options);
  must(store->heartbeat({}));
  EXPECT_EQ(must(store->rescue(kNow)), 0);
  EXPECT_EQ(must(open()->rescue(kNow)), 1);
}

TEST_F(RedisRecoveryTest, RescuesNobodyWithoutALeaseOfItsOwn) {
  const auto store = open();
  auto victim = open();
  push_from_ruby(job_bytes("a"));
  ASSERT_EQ(must(victim->claim(1)).size(), 1U);
  end_lease(victim->process_id());
  end_lease(store->process_id());
  EXPECT_EQ(must(store->rescue(kNow)), 0);
  must(store->heartbeat({}));
  EXPECT_EQ(must(store->rescue(kNow)), 1);
}

TEST_F(RedisRecoveryTest, RescuesNobodyAfterItsOwnLeaseEnded) {
  const auto victim = open();
  push_from_ruby(job_bytes("a"));
  ASSERT_EQ(must(victim->claim(1)).size(), 1U);
  auto options = options_of(server().url());
  options.redis.lease = milliseconds(1000);
  options.trust_after = std::nullopt;
  const auto store = open(options);
  const auto rescues = [&] {
    must(store->heartbeat({}));
    return must(store->rescue(kNow)) == 1;
  };
  const auto opened = std::chrono::steady_clock::now();
  ASSERT_TRUE(test::wait_until([&] {
    must(store->heartbeat({}));
    return std::chrono::steady_clock::now() - opened > options.redis.lease;
  }));
  // Whatever ended its own may have ended that of one who lives.
  end_lease(victim->process_id());
  end_lease(store->process_id());
  const auto since = std::chrono::steady_clock::now();
  EXPECT_TRUE(test::wait_until(rescues));
  EXPECT_GE(std::chrono::steady_clock::now() - since, options.redis.lease);
}

// NTP, a virtual machine that goes on after a pause, a replica with another time.
TEST_F(RedisRecoveryTest, RescuesNobodyAfterAJumpOfTheClock) {
  test::TestRedis redis({.has_movable_clock = true});
  auto options = options_of(redis.url());
  options.redis.lease = seconds(3);
  options.redis.command_timeout = seconds(1);
  options.trust_after = std::nullopt;
  const auto alive = open(options);
  auto dead = open(options);
  const auto store = open(options);
  const auto hold = [&](JobStore& holder, const std::string& name) {
    must(holder.push(std::vector<NewJob>{{name, job_bytes(name)}}, {}));
    return must(holder.claim(1)).at(0);
  };
  const Claim claim = hold(*alive, "a");
  hold(*dead, "b");
  dead.reset();
  const auto beat = [&] {
    must(alive->heartbeat({}));
    must(store->heartbeat({}));
    return must(store->rescue(kNow));
  };
  ASSERT_TRUE(test::wait_until([&] { return beat() == 1; })) << "it is trusted now";

  // First the one that lives has lost its lease, then both have.
  redis.command({"PEXPIRE", "patient_http:lease:" + alive->process_id(), "1500"});
  redis.move_clock(seconds(2));
  EXPECT_EQ(must(store->rescue(kNow)), 0);
  must(store->heartbeat({}));
  EXPECT_EQ(must(store->rescue(kNow)), 0);
  beat();
  redis.move_clock(seconds(60));
  EXPECT_EQ(must(store->rescue(kNow)), 0);
  must(store->heartbeat({}));
  EXPECT_EQ(must(store->rescue(kNow)), 0);
  EXPECT_THAT(must(alive->complete(std::vector{completion_of(claim)})), ElementsAre(kDone));
}

TEST_F(RedisRecoveryTest, RescuesRubyProcessesByTheRuleOfTheGem) {
  const auto store = open();
  const auto enter = [](const std::string& process, const std::string& name, milliseconds age) {
    const auto now = std::chrono::duration_cast<milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const std::string member = process + "/" + name;
    server().command({"ZADD", kIndex, std::to_string((now - age).count()), member});
    server().command({"HSET", kRegistry, member, job_bytes(name)});
    server().command({"SADD", "sidekiq:patient_http:processes", process});
  };
  enter("ruby:1:aa", "live", seconds(400));
  server().command({"SET", "sidekiq:patient_http:processes:ruby:1:aa:max_connections", "256"});
  enter("ruby:2:bb", "old", seconds(400));
  enter("ruby:2:bb", "young", seconds(200));
  EXPECT_EQ(must(store->rescue(kNow)), 1);
  EXPECT_THAT(queue("patient_http_requests"), ElementsAre(job_bytes("old")));
  EXPECT_THAT(list({"ZRANGE", kIndex, "0", "-1"}),
              UnorderedElementsAre("ruby:1:aa/live", "ruby:2:bb/young"));
  EXPECT_THAT(list({"SMEMBERS", "sidekiq:patient_http:processes"}),
              UnorderedElementsAre("ruby:1:aa", store->process_id()));
  EXPECT_EQ(integer({"EXISTS", "sidekiq:patient_http:gc_lock"}), 0);
  EXPECT_EQ(integer({"EXISTS", "sidekiq:patient_http:gc_last_run"}), 1);
}

TEST_F(RedisRecoveryTest, LeavesRubyProcessesToWhoeverHasTheLock) {
  const auto store = open();
  server().command({"ZADD", kIndex, "1", "ruby:2:bb/old"});
  server().command({"SET", "sidekiq:patient_http:gc_lock", "ruby:1:aa", "EX", "100"});
  EXPECT_EQ(must(store->rescue(kNow)), 0);
  EXPECT_EQ(text({"GET", "sidekiq:patient_http:gc_lock"}), "ruby:1:aa");
  EXPECT_EQ(integer({"ZCARD", kIndex}), 1);
}

TEST_F(RedisRecoveryTest, RenewsTheTimesOfItsClaims) {
  auto options = options_of(server().url());
  options.redis.heartbeat_interval = seconds(1);
  const auto store = open(options);
  push_from_ruby(job_bytes("a"));
  must(store->claim(1));
  const std::string member = store->process_id() + "/id of a";
  server().command({"ZADD", kIndex, "1000", member});
  ASSERT_TRUE(test::wait_until([&] {
    must(store->heartbeat({}));
    return text({"ZSCORE", kIndex, member}) != "1000";
  }));
}

TEST_F(RedisRecoveryTest, ClaimWhoseReplyWasLostIsFoundAgain) {
  test::RedisProxy proxy(server());
  const auto store = open(options_of(proxy.url()));
  // From now on the server knows the script.
  ASSERT_THAT(must(store->claim(1)), IsEmpty());
  push_from_ruby(job_bytes("a"));
  proxy.swallow_next_reply();
  EXPECT_FALSE(store->claim(1));
  const auto known = must(store->claims());
  ASSERT_EQ(known.size(), 1U);
  EXPECT_EQ(known[0].jid, "a");
  EXPECT_THAT(must(store->release(std::vector{known[0].id})), ElementsAre(kDone));
  EXPECT_THAT(jids(must(store->claim(1))), ElementsAre("a"));
}

TEST_F(RedisRecoveryTest, CompletionWhoseReplyWasLostPushesOneCallback) {
  test::RedisProxy proxy(server());
  const auto store = open(options_of(proxy.url()));
  push_from_ruby(job_bytes("first"));
  must(store->complete(std::vector{completion_of(must(store->claim(1)).at(0))}));
  push_from_ruby(job_bytes("a"));
  const std::vector completions{completion_of(must(store->claim(1)).at(0))};
  proxy.swallow_next_reply();
  const auto lost = store->complete(completions);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, StoreFailure::Kind::kUnavailable);
  EXPECT_THAT(must(store->complete(completions)), ElementsAre(kGone));
  EXPECT_EQ(must(store->claim_callbacks(5)).size(), 2U);
}

TEST_F(RedisRecoveryTest, GoesOnAfterItsScriptsWereForgotten) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  must(store->heartbeat({}));
  server().command({"SCRIPT", "FLUSH"});
  EXPECT_EQ(must(store->claim(1)).size(), 1U);
}

TEST_F(RedisRecoveryTest, WhoLeavesHoldingNothingIsForgottenAtOnce) {
  auto store = open();
  const std::string process = store->process_id();
  must(store->announce_payloads(std::vector<std::string>{"files/a"}));
  store.reset();
  EXPECT_THAT(list({"KEYS", "*" + process + "*"}), IsEmpty());
  EXPECT_THAT(list({"SMEMBERS", "patient_http:processes"}), IsEmpty());
  EXPECT_THAT(must(open()->unneeded_payloads(10, "")), ElementsAre("files/a"));
}

}  // namespace
}  // namespace patient_http::jobs
