#include "jobs/redis_job_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

#include "jobs/redis_store_fixture.h"
#include "patient_http/json.h"
#include "support/checkout.h"
#include "support/comma_locale.h"
#include "support/program.h"

namespace patient_http::jobs {
namespace {

using conformance::callback_bytes;
using conformance::completion_of;
using conformance::ids;
using conformance::jids;
using conformance::job_bytes;
using conformance::kDone;
using conformance::kGone;
using conformance::kNow;
using conformance::must;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class RedisFleet final : public StoreFleet {
 public:
  RedisFleet() { server().command({"FLUSHALL"}); }
  ~RedisFleet() override { stores_.clear(); }

  JobStore& join() override {
    stores_.push_back(must(RedisJobStore::open(options_of(server().url()))));
    return *stores_.back();
  }
  // What a process that left in order still holds is rescued as that of a dead one is.
  void kill(JobStore& store) override {
    std::erase_if(stores_, [&](const auto& one) { return one.get() == &store; });
  }

 private:
  std::vector<std::unique_ptr<JobStore>> stores_;
};

std::unique_ptr<StoreFleet> make_redis_fleet() {
  return std::make_unique<RedisFleet>();
}

INSTANTIATE_TEST_SUITE_P(Redis, JobStoreConformance, testing::Values(make_redis_fleet));

TEST_F(RedisJobStoreTest, RegistersClaimsWhereTheGemsPageLooks) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  const auto claims = must(store->claim(10));
  ASSERT_THAT(jids(claims), ElementsAre("a"));
  const std::string member = store->process_id() + "/id of a";
  EXPECT_EQ(text({"HGET", kRegistry, member}), job_bytes("a"));
  EXPECT_THAT(list({"ZRANGE", kIndex, "0", "-1"}), ElementsAre(member));
  EXPECT_GT(integer({"TTL", kIndex}), 3500);
  EXPECT_GT(integer({"TTL", kRegistry}), 3500);
  EXPECT_THAT(list({"SMEMBERS", "sidekiq:patient_http:processes"}),
              ElementsAre(store->process_id()));
  EXPECT_EQ(
      text({"GET", "sidekiq:patient_http:processes:" + store->process_id() + ":max_connections"}),
      "256");
}

TEST_F(RedisJobStoreTest, TakesEveryJobThatTheGemWasSeenToPush) {
  const auto store = open();
  const auto golden = Json::parse(
      test::read_file(PATIENT_HTTP_SOURCE_DIR "/tests/data/golden/sidekiq_request_jobs.json"));
  ASSERT_TRUE(golden);
  int jobs = 0;
  for (const Json& one : *golden->find("cases")->if_array()) {
    const Json* const recorded = one.find("output")->find("raw_job_json");
    if (recorded == nullptr) continue;
    for (const Json& raw : *recorded->if_array()) {
      const std::string& bytes = *raw.if_string();
      push_from_ruby(bytes);
      const auto claims = must(store->claim(5));
      ASSERT_EQ(claims.size(), 1U);
      EXPECT_EQ(claims[0].bytes, bytes);
      const auto job = Json::parse(bytes);
      EXPECT_EQ(claims[0].jid, *job->find("jid")->if_string());
      const std::string& id = *job->find("args")->if_array()->at(4).if_string();
      EXPECT_EQ(text({"HGET", kRegistry, store->process_id() + "/" + id}), bytes);
      ++jobs;
    }
  }
  EXPECT_GE(jobs, 6);
}

TEST_F(RedisJobStoreTest, LeavesNothingOfARequestBehind) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  must(store->complete(std::vector{completion_of(must(store->claim(1)).at(0))}));
  for (const std::string& key :
       {std::string(kIndex), std::string(kRegistry), "patient_http:claims:" + store->process_id(),
        "patient_http:claim_facts:" + store->process_id()}) {
    EXPECT_EQ(integer({"EXISTS", key}), 0) << key;
  }
}

TEST_F(RedisJobStoreTest, PushesCallbacksThatRubyRunsAsSidekiqDoes) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  Completion completion = completion_of(must(store->claim(1)).at(0));
  completion.sidekiq_queue = "default";
  must(store->complete(std::vector{completion}));
  EXPECT_THAT(queue("default"), ElementsAre(callback_bytes("a-callback")));
  EXPECT_THAT(list({"SMEMBERS", "queues"}), Contains("default"));
  EXPECT_THAT(must(store->claim_callbacks(10)), IsEmpty());
}

TEST_F(RedisJobStoreTest, CountsRequestsAsTheGemAndAsSidekiqDo) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  push_from_ruby(job_bytes("b"));
  const auto claims = must(store->claim(2));
  must(store->complete(std::vector{completion_of(claims[0])}));
  must(store->fail(std::vector{conformance::dead(claims[1])}, kNow));
  EXPECT_EQ(text({"HGET", "sidekiq:patient_http:totals", "requests"}), "1");
  EXPECT_EQ(text({"HGET", "sidekiq:patient_http:totals", "duration"}), "1.5");
  EXPECT_EQ(text({"HGET", "sidekiq:patient_http:totals", "http_status:200"}), "1");
  EXPECT_EQ(text({"GET", "stat:processed"}), "2");
  EXPECT_EQ(text({"GET", "stat:failed"}), "1");
  EXPECT_THAT(list({"KEYS", "stat:processed:*"}), SizeIs(1));
}

TEST_F(RedisJobStoreTest, BrokenCountersDoNotKeepResults) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  server().command({"SET", "sidekiq:patient_http:totals", "no hash"});
  server().command({"SET", "stat:processed", "no number"});
  EXPECT_THAT(must(store->complete(std::vector{completion_of(must(store->claim(1)).at(0))})),
              ElementsAre(kDone));
  EXPECT_EQ(must(store->claim_callbacks(1)).size(), 1U);
}

TEST_F(RedisJobStoreTest, ChangesNothingWhenAKeyHoldsSomethingElse) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  const auto claims = must(store->claim(1));
  Completion completion = completion_of(claims[0]);
  completion.sidekiq_queue = "default";
  server().command({"SET", "queue:default", "no list"});
  const auto failed = store->complete(std::vector{completion});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, StoreFailure::Kind::kUnavailable);
  EXPECT_THAT(failed.error().message, HasSubstr("queue:default holds a string, not a list"));
  EXPECT_EQ(must(store->claims()).size(), 1U);
  server().command({"DEL", "queue:default"});
  EXPECT_THAT(must(store->complete(std::vector{completion})), ElementsAre(kDone));
}

TEST_F(RedisJobStoreTest, LeavesForeignJobsOfADedicatedQueueInTheirPlaceAndSaysSo) {
  const auto store = open();
  const std::string batch = R"({"bid":"b1",)" + job_bytes("batch").substr(1);
  const std::string encrypted = R"({"encrypt":true,)" + job_bytes("encrypted").substr(1);
  for (const std::string& bytes :
       {foreign("1"), job_bytes("a"), batch, foreign("2"), job_bytes("b"), encrypted}) {
    push_from_ruby(bytes);
  }
  EXPECT_THAT(jids(must(store->claim(1))), ElementsAre("a"));
  EXPECT_THAT(jids(must(store->claim(5))), ElementsAre("b"));
  EXPECT_THAT(queue("patient_http_requests"),
              ElementsAre(encrypted, foreign("2"), batch, foreign("1")));
  EXPECT_THAT(log(), HasSubstr("jobs are left where they are"));
}

TEST_F(RedisJobStoreTest, PicksItsJobsFromASharedQueueWithinTheWindow) {
  auto options = options_of(server().url());
  options.redis.queues = {{.name = "default", .weight = 0, .is_shared = true}};
  const auto store = open(options);
  for (int i = 0; i < 60; ++i) push_from_ruby(foreign(std::to_string(i)), "default");
  push_from_ruby(job_bytes("near"), "default");
  push_from_ruby("{broken PatientHttp::Sidekiq::RequestWorker", "default");
  for (int i = 60; i < 140; ++i) push_from_ruby(foreign(std::to_string(i)), "default");
  push_from_ruby(job_bytes("far"), "default");
  EXPECT_THAT(jids(must(store->claim(5))), ElementsAre("near"));
  EXPECT_THAT(must(store->claim(5)), IsEmpty());
  EXPECT_THAT(log(), HasSubstr("jobs of other classes are in front"));
  const auto left = queue("default");
  ASSERT_EQ(left.size(), 142U);
  EXPECT_EQ(left.back(), foreign("0"));
  // Ruby works on it.
  server().command({"RPOP", "queue:default", "50"});
  EXPECT_THAT(jids(must(store->claim(5))), ElementsAre("far"));
}

TEST_F(RedisJobStoreTest, TakesWhatIsBrokenFromAQueueOfRequests) {
  const auto store = open();
  push_from_ruby("{broken");
  push_from_ruby("");
  push_from_ruby("[1,2]");
  const auto claims = must(store->claim(5));
  ASSERT_EQ(claims.size(), 2U);
  EXPECT_EQ(claims[0].bytes, "{broken");
  EXPECT_EQ(claims[1].bytes, "");
  must(store->fail(std::vector{conformance::dead(claims[0])}, kNow));
  EXPECT_THAT(list({"ZRANGE", "dead", "0", "-1"}), ElementsAre("{broken"));
}

TEST_F(RedisJobStoreTest, EmptiesQueuesInTheirOrderAndLeavesPausedOnesAlone) {
  auto options = options_of(server().url());
  options.redis.queues = {{"first"}, {"second"}, {"third"}};
  const auto store = open(options);
  for (const char* name : {"third", "second", "first"}) {
    push_from_ruby(job_bytes(std::string(name) + " 1"), name);
    push_from_ruby(job_bytes(std::string(name) + " 2"), name);
  }
  server().command({"SADD", "paused", "second"});
  EXPECT_THAT(jids(must(store->claim(3))), ElementsAre("first 1", "first 2", "third 1"));
  server().command({"SREM", "paused", "second"});
  const auto rest = must(store->claim(5));
  EXPECT_THAT(jids(rest), ElementsAre("second 1", "second 2", "third 2"));
  must(store->release(ids(rest)));
  EXPECT_THAT(queue("second"), ElementsAre(job_bytes("second 2"), job_bytes("second 1")));
}

TEST_F(RedisJobStoreTest, PutsOffAnotherJobWithTheIdOfOneThatRuns) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  const std::string twin =
      R"({"jid":"twin","class":"PatientHttp::Sidekiq::RequestWorker","args":[{},"Done",null,null,"id of a"]})";
  push_from_ruby(twin);
  EXPECT_THAT(jids(must(store->claim(5))), ElementsAre("a"));
  // With the queue that it came from, which it does not name.
  EXPECT_THAT(
      list({"ZRANGE", "schedule", "0", "-1"}),
      ElementsAre(twin.substr(0, twin.size() - 1) + R"(,"queue":"patient_http_requests"})"));
}

TEST_F(RedisJobStoreTest, TellsJobsWithoutAJidApart) {
  const auto job = [](const std::string& callback) {
    return R"({"queue":"patient_http_requests","class":"PatientHttp::Sidekiq::RequestWorker",)"
           R"("args":[{},")" +
           callback + R"(",null,null,"same id"]})";
  };
  const auto store = open();
  push_from_ruby(job("First"));
  push_from_ruby(job("Second"));
  const auto claims = must(store->claim(5));
  ASSERT_THAT(claims, SizeIs(1));
  EXPECT_EQ(claims[0].bytes, job("First"));
  EXPECT_THAT(list({"ZRANGE", "schedule", "0", "-1"}), ElementsAre(job("Second")));
  EXPECT_THAT(claims[0].jid, SizeIs(40)) << "their rescues are counted apart, too";
}

TEST_F(RedisJobStoreTest, AClaimOnTheSameJobTakesTheFirstOnesPlace) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  const auto first = must(store->claim(1));
  push_from_ruby(job_bytes("a"));
  const auto second = must(store->claim(1));
  ASSERT_EQ(second.size(), 1U);
  EXPECT_THAT(must(store->complete(std::vector{completion_of(first[0])})), ElementsAre(kGone));
  EXPECT_THAT(must(store->complete(std::vector{completion_of(second[0])})), ElementsAre(kDone));
}

// A program that embeds the store may have set a locale in which 1.5 is "1,5".
TEST_F(RedisJobStoreTest, WritesNumbersWithAPointWhateverTheLocale) {
  const test::CommaLocale locale;
  const auto store = open();
  const auto at = kNow + milliseconds(500);
  must(store->push(std::vector<NewJob>{{"a", job_bytes("a"), at}}, {}));
  EXPECT_THAT(list({"ZRANGE", "schedule", "0", "-1", "WITHSCORES"}),
              ElementsAre(job_bytes("a"), "1800000000.5"));
  EXPECT_EQ(must(store->promote_due(at)), 1);
  must(store->fail(std::vector{conformance::retry(must(store->claim(1)).at(0), at)}, kNow));
  EXPECT_EQ(must(store->promote_due(at)), 1);
  must(store->complete(std::vector{completion_of(must(store->claim(1)).at(0))}));
  EXPECT_EQ(text({"HGET", "sidekiq:patient_http:totals", "duration"}), "1.5");
  EXPECT_EQ(must(store->statistics()).duration, seconds(1) + milliseconds(500));
  push_from_ruby(job_bytes("b"));
  must(store->fail(std::vector{conformance::dead(must(store->claim(1)).at(0))}, at));
  EXPECT_EQ(must(store->dead_jobs(1, "")).at(0).died, at);
}

// What fails between two writes is half done: here, a job that was known already and nowhere.
TEST_F(RedisJobStoreTest, WritesNothingWhenAnArgumentIsNotANumber) {
  const RedisScripts scripts;
  const auto push = [&](std::string_view at_time, std::string_view lifetime) {
    return integer({"EVAL",
                    scripts.push.text(),
                    "6",
                    "queue:q",
                    "schedule",
                    "queues",
                    "notes",
                    "announced",
                    "unneeded",
                    "q",
                    "0",
                    "a",
                    job_bytes("a"),
                    "",
                    "86400",
                    "",
                    "b",
                    job_bytes("b"),
                    at_time,
                    lifetime,
                    ""});
  };
  EXPECT_THROW(push("1800000000,5", "86400"), std::runtime_error);
  EXPECT_THROW(push("1800000000.5", ""), std::runtime_error);
  EXPECT_THAT(list({"KEYS", "*"}), IsEmpty());
  EXPECT_EQ(push("1800000000.5", "86400"), 2);
  EXPECT_EQ(push("1800000000.5", "86400"), 0);

  const std::string claims = "patient_http:claims:p";
  const std::string facts = "patient_http:claim_facts:p";
  server().command({"FLUSHALL"});
  server().command({"HSET", claims, "p/a", job_bytes("a")});
  server().command({"HSET", facts, "p/a", "1\nq\na\n"});
  const auto complete = [&](std::string_view duration) {
    return list({"EVAL",       scripts.complete.text(),
                 "14",         kIndex,
                 kRegistry,    claims,
                 facts,        "announced",
                 "unneeded",   "suspects",
                 "deaths",     "rescues",
                 "totals",     "queues",
                 "processed",  "today",
                 "queue:c",    "p",
                 "1",          "c",
                 "1",          "p/a",
                 "a-callback", "{}",
                 "1",          "0",
                 duration,     "200",
                 "",           ""});
  };
  const auto fail = [&](std::string_view at_time) {
    return list({"EVAL",
                 scripts.fail.text(),
                 "14",
                 kIndex,
                 kRegistry,
                 claims,
                 facts,
                 "suspects",
                 "schedule",
                 "retry",
                 "dead",
                 "processed",
                 "today",
                 "failed",
                 "failed today",
                 "rescues",
                 "deaths",
                 "p",
                 "1800000000",
                 "1",
                 "p/a",
                 "0",
                 "",
                 at_time,
                 "why"});
  };
  for (const std::string_view bad : {"1,5", "soon", "nan", "0x10"}) {
    EXPECT_THROW(complete(bad), std::runtime_error) << bad;
    EXPECT_THROW(fail(bad), std::runtime_error) << bad;
    EXPECT_THAT(list({"KEYS", "*"}), UnorderedElementsAre(claims, facts));
  }
}

TEST_F(RedisJobStoreTest, CountsAsDownWhileItsReplicasAreGone) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  const Claim claim = must(store->claim(1)).at(0);
  const std::vector<Completion> completions = {completion_of(claim)};
  server().command({"CONFIG", "SET", "min-replicas-to-write", "1"});
  const auto refused = store->complete(completions);
  server().command({"CONFIG", "SET", "min-replicas-to-write", "0"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, StoreFailure::Kind::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("NOREPLICAS"));
  EXPECT_THAT(must(store->complete(completions)), ElementsAre(Settled::kDone));
}

TEST_F(RedisJobStoreTest, RefusesAResultThatIsLargerThanRedisTakes) {
  const auto store = open();
  push_from_ruby(job_bytes("a"));
  Completion completion = completion_of(must(store->claim(1)).at(0));
  completion.callback_bytes.resize((std::size_t{512} << 20) + 1);
  const auto refused = store->complete(std::vector{completion});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, StoreFailure::Kind::kMisuse);
}

}  // namespace
}  // namespace patient_http::jobs
