// Sidekiq's sorted sets: what waits there, and what is moved out of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "jobs/redis_store_fixture.h"
#include "support/program.h"

namespace patient_http::jobs {
namespace {

using conformance::jids;
using conformance::job_bytes;
using conformance::kNow;
using conformance::must;
using conformance::unstamped;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::UnorderedElementsAre;

using RedisSetsTest = RedisJobStoreTest;

std::int64_t bytes_sent() {
  const std::string info = text({"INFO", "stats"});
  const std::string name = "total_net_output_bytes:";
  return std::stoll(info.substr(info.find(name) + name.size()));
}

TEST_F(RedisSetsTest, MovesOnlyItsOwnJobsWhenTheirTimeHasCome) {
  const auto store = open();
  server().command({"ZADD", "retry", "1000", foreign("1")});
  server().command({"ZADD", "retry", "1001", job_bytes("a")});
  server().command({"ZADD", "schedule", "1002", job_bytes("b")});
  server().command({"ZADD", "schedule", "9000000000", job_bytes("c")});
  EXPECT_EQ(must(store->promote_due(kNow)), 2);
  EXPECT_THAT(list({"ZRANGE", "retry", "0", "-1"}), ElementsAre(foreign("1")));
  const auto claims = must(store->claim(5));
  ASSERT_THAT(jids(claims), ElementsAre("a", "b"));
  EXPECT_NE(claims[0].bytes, job_bytes("a"));
  EXPECT_EQ(unstamped(claims[0].bytes), job_bytes("a"));
}

// Each process read all of them twice a second, and none saw what came after the first thousand.
TEST_F(RedisSetsTest, FindsItsDueJobsBehindManyOthersAndReadsNoneOfThose) {
  const auto store = open();
  const std::string large(10'000, 'x');
  for (int i = 0; i < 1200; ++i)
    server().command(
        {"ZADD", "retry", std::to_string(1000 + i), foreign(std::to_string(i) + large)});
  for (const char* name : {"a", "b"}) server().command({"ZADD", "retry", "2100", job_bytes(name)});

  const std::int64_t sent = bytes_sent();
  std::int64_t promoted = 0;
  for (int round = 0; round < 4 && promoted == 0; ++round)
    promoted = must(store->promote_due(kNow));
  EXPECT_EQ(promoted, 2);
  EXPECT_LT(bytes_sent() - sent, 50'000);
  EXPECT_EQ(integer({"ZCARD", "retry"}), 1200);
  EXPECT_THAT(jids(must(store->claim(5))), UnorderedElementsAre("a", "b"));

  // A look that finds nothing of ours is paid for with a pause, in which only the newest are seen.
  const auto look_cost = [&] {
    server().command({"CONFIG", "RESETSTAT"});
    for (int round = 0; round < 50; ++round) must(store->promote_due(kNow));
    const std::string info = text({"INFO", "commandstats"});
    const auto at = info.find("cmdstat_zrange:calls=");
    return at == std::string::npos ? 0 : std::stoi(info.substr(at + 21));
  };
  server().command({"ZREMRANGEBYRANK", "retry", "0", "999"});
  // A whole look reads 4 times here; on a slow machine a pause may end, and one more comes.
  const int first_cost = look_cost();
  EXPECT_GE(first_cost, 4 + 49);
  EXPECT_LT(first_cost, 100);
  EXPECT_LT(look_cost(), 100);
  server().command({"ZADD", "retry", "5000", job_bytes("d")});
  EXPECT_EQ(must(store->promote_due(kNow)), 1);
  server().command({"ZADD", "retry", "1", job_bytes("c")});
  ASSERT_TRUE(test::wait_until([&] { return must(store->promote_due(kNow)) == 1; }));
}

TEST_F(RedisSetsTest, KeepsFailuresWhereSidekiqLooksForThem) {
  const auto store = open();
  for (const char* name : {"retried", "late", "dead"}) push_from_ruby(job_bytes(name));
  const auto claims = must(store->claim(3));
  FailedClaim retried = conformance::retry(claims[0], kNow);
  retried.bytes = job_bytes("retried", R"({"a":1})");
  must(store->fail(
      std::vector{retried, conformance::retry(claims[1], kNow), conformance::dead(claims[2])},
      kNow));
  EXPECT_THAT(list({"ZRANGE", "retry", "0", "-1"}), ElementsAre(*retried.bytes));
  EXPECT_THAT(list({"ZRANGE", "schedule", "0", "-1"}), ElementsAre(job_bytes("late")));
  const auto dead = list({"ZRANGE", "dead", "0", "-1", "WITHSCORES"});
  ASSERT_EQ(dead.size(), 2U);
  EXPECT_THAT(dead[0], HasSubstr(R"("enqueued_at":1.5,"error_message":"broken")"));
  EXPECT_EQ(dead[1], "1800000000");
}

TEST_F(RedisSetsTest, KeepsWhatOnlyWaitsAmongTheScheduled) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  FailedClaim waits = conformance::retry(must(store->claim(1)).at(0), kNow);
  waits.bytes = job_bytes("a", R"({"a":1})");
  waits.only_waits = true;
  must(store->fail(std::vector{waits}, kNow));
  EXPECT_THAT(list({"ZRANGE", "schedule", "0", "-1"}), ElementsAre(*waits.bytes));
  EXPECT_EQ(integer({"ZCARD", "retry"}), 0);
  EXPECT_EQ(integer({"EXISTS", "stat:failed"}), 0) << "it has not failed";
}

// What has to wait must say where it goes back to; Sidekiq would not move it either.
TEST_F(RedisSetsTest, PutsAJobThatNamesNoQueueBackIntoTheOneItCameFrom) {
  auto options = options_of(server().url());
  options.redis.queues = {{"first"}, {"other"}};
  const auto store = open(options);
  const auto job = [](const std::string& jid, const std::string& queue) {
    return R"({"class":"PatientHttp::Sidekiq::RequestWorker","args":[],)" + queue + R"("jid":")" +
           jid + "\"}";
  };
  push_from_ruby(job("late", ""), "other");
  push_from_ruby(job("dead", R"("queue":null,)"), "other");
  push_from_ruby(job("failed", R"("queue":5,)"), "other");
  push_from_ruby(R"({"class":"PatientHttp::Sidekiq::CallbackWorker","jid":"callback"})",
                 "patient_http_callbacks");
  const auto claims = must(store->claim(3));
  ASSERT_THAT(jids(claims), ElementsAre("late", "dead", "failed"));
  FailedClaim failed = conformance::retry(claims[2], kNow);
  failed.bytes = job("failed", R"("retry_count":0,)");
  must(store->fail(
      std::vector{conformance::retry(claims[0], kNow), conformance::dead(claims[1]), failed},
      kNow));
  const auto callbacks = must(store->claim_callbacks(1));
  ASSERT_EQ(callbacks.size(), 1U);
  must(store->fail_callbacks(
      std::vector{FailedClaim{callbacks[0].id, std::nullopt, kNow, "try again"}}, kNow));

  EXPECT_EQ(must(store->promote_due(kNow)), 3);
  const auto dead = must(store->dead_jobs(5, ""));
  ASSERT_THAT(dead, SizeIs(1));
  EXPECT_EQ(dead[0].jid, "dead");
  EXPECT_EQ(must(store->retry_dead(std::vector{dead[0].id})), 1);
  EXPECT_THAT(queue("other"), SizeIs(3));
  EXPECT_THAT(jids(must(store->claim(5))), UnorderedElementsAre("late", "failed", "dead"));
  EXPECT_THAT(conformance::callback_jids(*store), ElementsAre("callback"));
}

}  // namespace
}  // namespace patient_http::jobs
