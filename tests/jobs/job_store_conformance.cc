// The life of a job that nothing disturbs; job_store_recovery_conformance.cc has the rest.

#include "jobs/job_store_conformance.h"

#include <gmock/gmock.h>

#include <chrono>
#include <set>
#include <thread>

namespace patient_http::jobs {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

using namespace conformance;

JobStoreConformance::JobStoreConformance() : fleet_(GetParam()()), store_(fleet_->join()) {}

void JobStoreConformance::push(const std::vector<std::string>& names) {
  std::vector<NewJob> jobs;
  for (const std::string& name : names) jobs.push_back({name, job_bytes(name)});
  must(store_.push(jobs, {}));
}

std::vector<std::string> JobStoreConformance::ready() {
  return jids(must(fleet_->join().claim(1000)));
}

TEST_P(JobStoreConformance, GivesOutJobsOldestFirstWithTheirBytesUntouched) {
  const std::string odd = "  {\"a\":[],\"é\":\"\\u00e9\"," + job_bytes("a").substr(1) + " \n";
  must(store_.push(std::vector<NewJob>{{"a", odd}, {"b", job_bytes("b")}, {"c", job_bytes("c")}},
                   {}));
  const auto first = must(store_.claim(2));
  ASSERT_EQ(jids(first), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(first[0].bytes, odd);
  EXPECT_EQ(first[1].bytes, job_bytes("b"));
  EXPECT_EQ(first[0].rescues, 0);
  EXPECT_THAT(jids(must(store_.claim(2))), ElementsAre("c"));
  EXPECT_THAT(must(store_.claim(2)), IsEmpty());
}

TEST_P(JobStoreConformance, ClaimsNothingWhenAskedForNothing) {
  push({"a"});
  EXPECT_THAT(must(store_.claim(0)), IsEmpty());
  EXPECT_EQ(must(store_.counts()).ready, 1);
}

TEST_P(JobStoreConformance, ClaimsAndPutsBackLargeJobsByTheFew) {
  std::vector<std::string> names;
  for (int i = 0; i < 30; ++i) {
    names.push_back("job " + std::to_string(i));
    const std::string data = "\"" + std::string(1 << 20, 'x') + "\"";
    must(store_.push(std::vector<NewJob>{{names.back(), job_bytes(names.back(), data)}}, {}));
  }
  std::vector<std::string> claimed;
  std::vector<std::string> claim_ids;
  while (claimed.size() < names.size()) {
    const auto claims = must(store_.claim(100));
    ASSERT_FALSE(claims.empty());
    EXPECT_LE(claims.size(), 8U);
    for (const Claim& claim : claims) claimed.push_back(claim.jid);
    for (const Claim& claim : claims) claim_ids.push_back(claim.id);
  }
  EXPECT_EQ(claimed, names);
  EXPECT_EQ(must(store_.release(claim_ids)), std::vector<Settled>(names.size(), kDone));
  EXPECT_EQ(must(store_.counts()).ready, 30);
  EXPECT_EQ(must(store_.claim(1)).at(0).jid, "job 0");
  fleet_->kill(store_);
  JobStore& other = fleet_->join();
  EXPECT_EQ(must(other.rescue(kNow)), 1);
  EXPECT_EQ(must(other.counts()).ready, 30);
}

TEST_P(JobStoreConformance, PushTwiceChangesNothing) {
  push({"a", "b"});
  must(store_.push(std::vector<NewJob>{{"b", job_bytes("b") + " "}, {"a", job_bytes("a") + " "}},
                   {}));
  const auto claims = must(store_.claim(10));
  ASSERT_EQ(jids(claims), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(claims[0].bytes, job_bytes("a"));
}

TEST_P(JobStoreConformance, PushOfAJobThatIsKnownInAnyStateChangesNothing) {
  const std::vector<std::string> names{"flying", "scheduled", "dead", "waiting", "running"};
  push(names);
  const auto claims = must(store_.claim(5));
  must(store_.fail(std::vector<FailedClaim>{retry(claims[1], kNow), dead(claims[2])}, kNow));
  must(store_.complete(std::vector<Completion>{completion_of(claims[4])}));
  ASSERT_EQ(must(store_.claim_callbacks(1)).size(), 1U);
  must(store_.complete(std::vector<Completion>{completion_of(claims[3])}));

  push(names);

  const JobCounts counts = must(store_.counts());
  EXPECT_EQ(counts.ready, 0);
  EXPECT_EQ(counts.in_flight, 1);
  EXPECT_EQ(counts.scheduled, 1);
  EXPECT_EQ(counts.dead, 1);
  EXPECT_EQ(counts.callbacks_waiting, 1);
  EXPECT_EQ(counts.callbacks_running, 1);
}

TEST_P(JobStoreConformance, OneBatchMayNameAJobTwice) {
  push({"a", "a"});
  EXPECT_THAT(ready(), ElementsAre("a"));
}

TEST_P(JobStoreConformance, KeepsNotesWithThePushAndWithTheEndOfCallbacks) {
  EXPECT_EQ(must(store_.note("cursor")), std::nullopt);
  must(store_.push(std::vector<NewJob>{{"a", job_bytes("a")}}, std::vector<Note>{{"cursor", "1"}}));
  must(store_.push(std::vector<NewJob>{{"a", job_bytes("a")}}, std::vector<Note>{{"cursor", "2"}}));
  EXPECT_EQ(must(store_.note("cursor")), "2");
  must(store_.finish_callbacks({}, std::vector<Note>{{"cursor", ""}, {"output", "70"}}));
  EXPECT_EQ(must(fleet_->join().note("cursor")), "");
  EXPECT_EQ(must(store_.note("output")), "70");
}

TEST_P(JobStoreConformance, ClaimWhoseReplyWasLostIsAmongTheClaims) {
  push({"a", "b", "c"});
  const auto lost = must(store_.claim(1));
  const auto second = must(store_.claim(1));
  ASSERT_EQ(jids(second), (std::vector<std::string>{"b"}));
  const auto known = must(store_.claims());
  ASSERT_EQ(known.size(), 2U);
  EXPECT_EQ(known[0].id, lost[0].id);
  EXPECT_EQ(known[0].jid, "a");
  EXPECT_EQ(known[1].id, second[0].id);
  EXPECT_THAT(must(fleet_->join().claims()), IsEmpty());
}

TEST_P(JobStoreConformance, ProcessesThatClaimAtOnceNeverGetTheSameJob) {
  constexpr int kJobs = 600;
  std::vector<std::string> names;
  for (int i = 0; i < kJobs; ++i) names.push_back("job " + std::to_string(i));
  push(names);
  std::vector<std::vector<std::string>> taken(4);
  std::vector<std::thread> threads;
  for (auto& mine : taken) {
    JobStore& store = fleet_->join();
    threads.emplace_back([&mine, &store] {
      for (;;) {
        const auto claims = must(store.claim(7));
        if (claims.empty()) return;
        for (const Claim& claim : claims) mine.push_back(claim.jid);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::multiset<std::string> all;
  for (const auto& mine : taken) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all, std::multiset<std::string>(names.begin(), names.end()));
}

TEST_P(JobStoreConformance, ThreadsOfOneProcessMayUseTheStoreAtOnce) {
  constexpr int kThreads = 6;
  constexpr int kRounds = 30;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kRounds; ++i) {
        push({std::to_string(t) + "." + std::to_string(i)});
        std::vector<Completion> completions;
        for (const Claim& claim : must(store_.claim(3))) {
          completions.push_back(completion_of(claim));
        }
        must(store_.complete(completions));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const JobCounts counts = must(store_.counts());
  EXPECT_EQ(counts.ready + counts.callbacks_waiting, kThreads * kRounds);
  EXPECT_EQ(counts.in_flight, 0);
  EXPECT_EQ(must(store_.statistics()).requests, counts.callbacks_waiting);
}

TEST_P(JobStoreConformance, CompletePushesTheCallbackOnce) {
  push({"a", "b"});
  const auto claims = must(store_.claim(2));
  const std::vector<Completion> completions{completion_of(claims[0]), completion_of(claims[1])};
  EXPECT_THAT(must(store_.complete(completions)), ElementsAre(kDone, kDone));
  EXPECT_THAT(must(store_.complete(completions)), ElementsAre(kGone, kGone));

  EXPECT_THAT(must(store_.claims()), IsEmpty());
  const auto callbacks = must(store_.claim_callbacks(10));
  ASSERT_EQ(callbacks.size(), 2U);
  EXPECT_EQ(callbacks[0].jid, "a-callback");
  EXPECT_EQ(callbacks[0].bytes, callback_bytes("a-callback"));
  EXPECT_EQ(callbacks[1].jid, "b-callback");
  EXPECT_THAT(ready(), IsEmpty());
}

TEST_P(JobStoreConformance, CompleteSettlesEachEntryByItself) {
  push({"a", "b"});
  const auto claims = must(store_.claim(2));
  must(store_.release(std::vector<std::string>{claims[0].id}));
  Completion unknown = completion_of(claims[1]);
  unknown.claim_id = "no claim";
  const std::vector<Completion> completions{completion_of(claims[0]), completion_of(claims[1]),
                                            completion_of(claims[1]), unknown};
  EXPECT_THAT(must(store_.complete(completions)), ElementsAre(kGone, kDone, kGone, kGone));
  EXPECT_EQ(must(store_.statistics()).requests, 1);
  EXPECT_THAT(ready(), ElementsAre("a"));
}

TEST_P(JobStoreConformance, NobodyElseCanSettleAClaim) {
  push({"a"});
  const auto claims = must(store_.claim(1));
  JobStore& other = fleet_->join();
  EXPECT_THAT(must(other.complete(std::vector<Completion>{completion_of(claims[0])})),
              ElementsAre(kGone));
  EXPECT_THAT(must(other.release(ids(claims))), ElementsAre(kGone));
  EXPECT_THAT(must(other.fail(std::vector<FailedClaim>{dead(claims[0])}, kNow)),
              ElementsAre(kGone));
  EXPECT_EQ(must(store_.claims()).size(), 1U);
}

TEST_P(JobStoreConformance, ClaimThatEndedIsNotTheNextClaimOnTheSameJob) {
  push({"a"});
  const auto first = must(store_.claim(1));
  must(store_.release(ids(first)));
  const auto second = must(store_.claim(1));
  EXPECT_NE(first[0].id, second[0].id);
  EXPECT_THAT(must(store_.complete(std::vector<Completion>{completion_of(first[0])})),
              ElementsAre(kGone));
  EXPECT_THAT(must(store_.release(ids(first))), ElementsAre(kGone));
  EXPECT_EQ(must(store_.claims()).size(), 1U);
}

TEST_P(JobStoreConformance, CountsEachRequestOnceUnderTheNamesOfTheTotals) {
  push({"a", "b", "c"});
  const auto claims = must(store_.claim(3));
  std::vector<Completion> completions;
  for (const Claim& claim : claims) completions.push_back(completion_of(claim));
  completions[1].statistics.http_status = 503;
  completions[1].statistics.error_type = "http_error";
  completions[2].statistics.http_status.reset();
  completions[2].statistics.error_type = "timeout";
  must(store_.complete(completions));
  must(store_.complete(completions));
  const Statistics statistics = must(fleet_->join().statistics());
  EXPECT_EQ(statistics.requests, 3);
  EXPECT_DOUBLE_EQ(statistics.duration.count(), 4.5);
  EXPECT_EQ(statistics.errors, 2);
  EXPECT_THAT(statistics.errors_by_type,
              UnorderedElementsAre(Pair("http_error", 1), Pair("timeout", 1)));
  EXPECT_THAT(statistics.http_status, UnorderedElementsAre(Pair(200, 1), Pair(503, 1)));
  must(store_.clear_statistics());
  EXPECT_EQ(must(store_.statistics()).requests, 0);
}

TEST_P(JobStoreConformance, ReleasePutsBackToTheFrontInTheOriginalOrder) {
  push({"a", "b", "c", "d", "e"});
  const auto claims = must(store_.claim(3));
  const std::vector<std::string> backwards{claims[2].id, claims[0].id, claims[1].id};
  EXPECT_THAT(must(store_.release(backwards)), ElementsAre(kDone, kDone, kDone));
  EXPECT_THAT(must(store_.release(backwards)), ElementsAre(kGone, kGone, kGone));
  const auto again = must(store_.claim(10));
  EXPECT_THAT(jids(again), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(again[0].bytes, job_bytes("a"));
  EXPECT_EQ(again[0].rescues, 0);
}

TEST_P(JobStoreConformance, ReleaseOfAJobThatWasClaimedAnewDoesNotLoseItsPlace) {
  push({"a", "b", "c", "d"});
  const auto first = must(store_.claim(2));
  const auto second = must(store_.claim(1));
  must(store_.release(std::vector<std::string>{first[0].id}));
  const auto third = must(store_.claim(1));
  ASSERT_THAT(jids(third), ElementsAre("a"));
  must(store_.release(std::vector<std::string>{first[1].id, second[0].id, third[0].id}));
  EXPECT_THAT(ready(), ElementsAre("a", "b", "c", "d"));
}

TEST_P(JobStoreConformance, FailToTheDeadSetHappensOnce) {
  push({"a", "b"});
  const auto claims = must(store_.claim(1));
  const std::vector<FailedClaim> failed{dead(claims[0])};
  EXPECT_THAT(must(store_.fail(failed, kNow)), ElementsAre(kDone));
  EXPECT_THAT(must(store_.fail(failed, kNow)), ElementsAre(kGone));
  const JobCounts counts = must(store_.counts());
  EXPECT_EQ(counts.dead, 1);
  EXPECT_EQ(counts.in_flight, 0);
  EXPECT_EQ(must(store_.promote_due(kNow + seconds(1'000'000))), 0);
  EXPECT_THAT(ready(), ElementsAre("b"));
}

TEST_P(JobStoreConformance, WhatOnlyWaitsComesBackWithItsNewBytes) {
  push({"a"});
  const auto claims = must(store_.claim(1));
  std::vector<FailedClaim> waits{retry(claims[0], kNow + seconds(90))};
  waits[0].bytes = job_bytes("a", "{\"second\":\"try\"}");
  waits[0].only_waits = true;
  EXPECT_THAT(must(store_.fail(waits, kNow)), ElementsAre(kDone));
  EXPECT_THAT(must(store_.fail(waits, kNow)), ElementsAre(kGone));
  EXPECT_EQ(must(store_.counts()).in_flight, 0);
  EXPECT_EQ(must(store_.promote_due(kNow + seconds(89))), 0);
  EXPECT_EQ(must(store_.promote_due(kNow + seconds(90))), 1);
  const auto again = must(store_.claim(10));
  ASSERT_THAT(jids(again), ElementsAre("a"));
  EXPECT_EQ(base::find_json_member(again[0].bytes, "args"),
            base::find_json_member(*waits[0].bytes, "args"));
  EXPECT_EQ(again[0].rescues, 0);
}

TEST_P(JobStoreConformance, FailedJobComesBackWhenItsTimeHasComeAndNotBefore) {
  push({"late", "early", "other"});
  const auto claims = must(store_.claim(2));
  std::vector<FailedClaim> failed{retry(claims[0], kNow + seconds(20)),
                                  retry(claims[1], kNow + seconds(10))};
  failed[1].bytes = job_bytes("early", "{\"second\":\"try\"}");
  EXPECT_THAT(must(store_.fail(failed, kNow)), ElementsAre(kDone, kDone));
  EXPECT_THAT(must(store_.fail(failed, kNow)), ElementsAre(kGone, kGone));
  EXPECT_EQ(must(store_.promote_due(kNow + seconds(9))), 0);
  EXPECT_EQ(must(store_.counts()).scheduled, 2);
  EXPECT_EQ(must(store_.promote_due(kNow + seconds(20))), 2);
  EXPECT_EQ(must(store_.promote_due(kNow + seconds(20))), 0);
  const auto again = must(store_.claim(10));
  ASSERT_THAT(jids(again), ElementsAre("other", "early", "late"));
  EXPECT_EQ(unstamped(again[1].bytes), *failed[1].bytes);
  EXPECT_EQ(unstamped(again[2].bytes), job_bytes("late"));
}

}  // namespace patient_http::jobs
