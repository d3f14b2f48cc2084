// What is counted of jobs whose processes die: a part of the suite of job_store_conformance.h.

#include "jobs/job_store_conformance.h"

#include <gmock/gmock.h>

#include <chrono>

namespace patient_http::jobs {

using testing::ElementsAre;

using namespace conformance;
using namespace std::chrono_literals;

namespace {

// A process claims everything, notes the job `suspect` if that is not empty, and dies.
void let_one_die(StoreFleet& fleet, JobStore& rescuer, const std::string& suspect,
                 std::chrono::system_clock::time_point when) {
  JobStore& victim = fleet.join();
  for (const Claim& claim : must(victim.claim(100))) {
    if (claim.jid != suspect) continue;
    EXPECT_EQ(must(victim.start_suspect(claim.id)), kDone);
  }
  fleet.kill(victim);
  must(rescuer.rescue(when));
}

Claim claim_one(JobStore& store, const std::string& jid) {
  for (Claim& claim : must(store.claim(100)))
    if (claim.jid == jid) return std::move(claim);
  throw std::runtime_error("there is no " + jid);
}

}  // namespace

TEST_P(JobStoreConformance, CountsOnlyTheRescuesWithinTheHourBeforeTheLast) {
  push({"a"});
  for (const auto& when : {kNow, kNow + 30min, kNow + 61min, kNow + 62min})
    let_one_die(*fleet_, store_, "", when);
  const auto claims = must(store_.claim(1));
  ASSERT_EQ(claims.size(), 1U);
  EXPECT_EQ(claims[0].rescues, 3);
  must(store_.release(ids(claims)));
  let_one_die(*fleet_, store_, "", kNow + 24h);
  EXPECT_EQ(must(store_.claim(1)).at(0).rescues, 1);
}

TEST_P(JobStoreConformance, CountsOnlyTheRescuesOfACallbackWithinTheHourBeforeTheLast) {
  push({"a"});
  must(store_.complete(std::vector<Completion>{completion_of(must(store_.claim(1)).at(0))}));
  for (const auto& when : {kNow, kNow + 61min, kNow + 62min}) {
    JobStore& victim = fleet_->join();
    ASSERT_EQ(must(victim.claim_callbacks(1)).size(), 1U);
    fleet_->kill(victim);
    must(store_.rescue(when));
  }
  EXPECT_EQ(must(store_.claim_callbacks(1)).at(0).rescues, 2);
}

TEST_P(JobStoreConformance, DeathCountsForTheSuspectAndNobodyElse) {
  push({"a", "b", "c"});
  let_one_die(*fleet_, store_, "b", kNow);
  let_one_die(*fleet_, store_, "b", kNow);
  let_one_die(*fleet_, store_, "", kNow);
  const auto claims = must(store_.claim(3));
  ASSERT_THAT(jids(claims), ElementsAre("a", "b", "c"));
  EXPECT_EQ(claims[0].deaths, 0);
  EXPECT_EQ(claims[1].deaths, 2);
  EXPECT_EQ(claims[2].deaths, 0);
  EXPECT_EQ(claims[1].rescues, 3);
}

TEST_P(JobStoreConformance, OtherProcessesKeepTheirSuspects) {
  push({"a", "b"});
  const auto mine = must(store_.claim(1));
  EXPECT_EQ(must(store_.start_suspect(mine[0].id)), kDone);
  let_one_die(*fleet_, store_, "b", kNow);
  EXPECT_EQ(must(store_.claim(1)).at(0).deaths, 1);
  must(store_.release(ids(mine)));
  EXPECT_EQ(must(store_.claim(1)).at(0).deaths, 0);
}

TEST_P(JobStoreConformance, SuspectNotedTwiceDiesOnce) {
  push({"a"});
  JobStore& victim = fleet_->join();
  const auto claims = must(victim.claim(1));
  EXPECT_EQ(must(victim.start_suspect(claims[0].id)), kDone);
  EXPECT_EQ(must(victim.start_suspect(claims[0].id)), kDone);
  fleet_->kill(victim);
  EXPECT_EQ(must(store_.rescue(kNow)), 1);
  EXPECT_EQ(must(store_.rescue(kNow)), 0);
  EXPECT_EQ(must(store_.claim(1)).at(0).deaths, 1);
}

TEST_P(JobStoreConformance, SecondSuspectTakesThePlaceOfTheFirst) {
  push({"a", "b"});
  JobStore& victim = fleet_->join();
  const auto claims = must(victim.claim(2));
  EXPECT_EQ(must(victim.start_suspect(claims[0].id)), kDone);
  EXPECT_EQ(must(victim.start_suspect(claims[1].id)), kDone);
  fleet_->kill(victim);
  must(store_.rescue(kNow));
  const auto again = must(store_.claim(2));
  ASSERT_THAT(jids(again), ElementsAre("a", "b"));
  EXPECT_EQ(again[0].deaths, 0);
  EXPECT_EQ(again[1].deaths, 1);
}

TEST_P(JobStoreConformance, SuspectNeedsAClaimOfOurs) {
  push({"a", "b"});
  const auto claims = must(store_.claim(1));
  EXPECT_EQ(must(fleet_->join().start_suspect(claims[0].id)), kGone);
  must(store_.release(ids(claims)));
  EXPECT_EQ(must(store_.start_suspect(claims[0].id)), kGone);
  EXPECT_EQ(must(store_.start_suspect("never a claim")), kGone);
  EXPECT_EQ(must(store_.claim(1)).at(0).deaths, 0);
}

TEST_P(JobStoreConformance, SuspectEndsWithItsClaim) {
  for (const std::string how : {"release", "fail", "complete"}) {
    push({how});
    JobStore& victim = fleet_->join();
    const Claim claim = claim_one(victim, how);
    EXPECT_EQ(must(victim.start_suspect(claim.id)), kDone);
    if (how == "release") must(victim.release(std::vector<std::string>{claim.id}));
    if (how == "fail") {
      must(victim.fail(std::vector<FailedClaim>{retry(claim, kNow)}, kNow));
      must(victim.promote_due(kNow));
    }
    if (how == "complete") must(victim.complete(std::vector<Completion>{completion_of(claim)}));
    // The process goes on with other things, this very job among them, and dies.
    if (how == "complete") {
      must(victim.claim_callbacks(1));
    } else {
      must(victim.claim(1));
    }
    fleet_->kill(victim);
    EXPECT_EQ(must(store_.rescue(kNow)), 1) << how;
    if (how == "complete") {
      EXPECT_EQ(must(store_.claim_callbacks(1)).at(0).rescues, 1);
    } else {
      EXPECT_EQ(claim_one(store_, how).deaths, 0) << how;
    }
  }
}

TEST_P(JobStoreConformance, DeathsAreForgottenWithTheResult) {
  push({"a"});
  let_one_die(*fleet_, store_, "a", kNow);
  const auto claims = must(store_.claim(1));
  ASSERT_EQ(claims.at(0).deaths, 1);
  must(store_.complete(std::vector<Completion>{completion_of(claims[0])}));
  const auto callbacks = must(store_.claim_callbacks(1));
  ASSERT_EQ(callbacks.size(), 1U);
  EXPECT_EQ(callbacks[0].rescues, 0);
  must(store_.finish_callbacks(std::vector<std::string>{callbacks[0].id}, {}));
  push({"a"});
  const auto anew = must(store_.claim(1));
  EXPECT_EQ(anew.at(0).deaths, 0);
  EXPECT_EQ(anew[0].rescues, 0);
}

TEST_P(JobStoreConformance, DeathsStayThroughReleaseAndSchedule) {
  push({"a"});
  let_one_die(*fleet_, store_, "a", kNow);
  must(store_.release(ids(must(store_.claim(1)))));
  const auto claims = must(store_.claim(1));
  EXPECT_EQ(claims.at(0).deaths, 1);
  must(store_.fail(std::vector<FailedClaim>{retry(claims[0], kNow)}, kNow));
  must(store_.promote_due(kNow));
  EXPECT_EQ(must(store_.claim(1)).at(0).deaths, 1);
}

TEST_P(JobStoreConformance, DeadThatIsRetriedByHandIsCountedAnew) {
  push({"a"});
  let_one_die(*fleet_, store_, "a", kNow);
  const auto claims = must(store_.claim(1));
  must(store_.fail(std::vector<FailedClaim>{dead(claims.at(0))}, kNow));
  const auto found = must(store_.dead_jobs(10, ""));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(must(store_.retry_dead(std::vector<std::string>{found[0].id})), 1);
  const auto anew = must(store_.claim(1));
  EXPECT_EQ(anew.at(0).deaths, 0);
  EXPECT_EQ(anew[0].rescues, 0);
}

TEST_P(JobStoreConformance, ResultsThatADeadProcessLeftAreTakenOnce) {
  push({"a", "b"});
  JobStore& victim = fleet_->join();
  const std::string process = victim.process_id();
  const auto claims = must(victim.claim(2));
  const std::vector<Completion> completions{completion_of(claims.at(0))};
  fleet_->kill(victim);
  EXPECT_THAT(must(store_.complete_as(process, completions)), ElementsAre(kDone));
  EXPECT_THAT(must(store_.complete_as(process, completions)), ElementsAre(kGone));
  EXPECT_EQ(must(store_.statistics()).requests, 1);
  EXPECT_EQ(must(store_.rescue(kNow)), 1);
  EXPECT_THAT(ready(), ElementsAre("b"));
  const auto callbacks = must(store_.claim_callbacks(10));
  ASSERT_EQ(callbacks.size(), 1U);
  EXPECT_EQ(callbacks[0].jid, "a-callback");
  EXPECT_EQ(callbacks[0].bytes, completions[0].callback_bytes);
}

TEST_P(JobStoreConformance, ResultsThatADeadProcessLeftAreDroppedAfterItsRescue) {
  push({"a"});
  JobStore& victim = fleet_->join();
  const std::string process = victim.process_id();
  const std::vector<Completion> completions{completion_of(must(victim.claim(1)).at(0))};
  fleet_->kill(victim);
  must(store_.rescue(kNow));
  EXPECT_THAT(must(store_.complete_as(process, completions)), ElementsAre(kGone));
  ASSERT_EQ(must(store_.claim(1)).size(), 1U);
  EXPECT_THAT(must(store_.complete_as(process, completions)), ElementsAre(kGone));
  EXPECT_THAT(must(store_.complete_as("nobody:1:0123456789abcdef", completions)),
              ElementsAre(kGone));
  EXPECT_EQ(must(store_.counts()).callbacks_waiting, 0);
}

TEST_P(JobStoreConformance, ResultsOfALivingProcessAreItsOwn) {
  push({"a"});
  JobStore& other = fleet_->join();
  must(other.heartbeat({}));
  const std::vector<Completion> completions{completion_of(must(other.claim(1)).at(0))};
  const auto taken = store_.complete_as(other.process_id(), completions);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().kind, StoreFailure::Kind::kInUse);
  EXPECT_THAT(must(other.complete(completions)), ElementsAre(kDone));
}

TEST_P(JobStoreConformance, CompletingForOneProcessLeavesTheClaimsOfOthers) {
  push({"a", "b"});
  JobStore& victim = fleet_->join();
  const std::string process = victim.process_id();
  ASSERT_EQ(must(victim.claim(1)).size(), 1U);
  const auto mine = must(store_.claim(1));
  fleet_->kill(victim);
  const std::vector<Completion> completions{completion_of(mine.at(0))};
  EXPECT_THAT(must(store_.complete_as(process, completions)), ElementsAre(kGone));
  EXPECT_THAT(must(store_.complete(completions)), ElementsAre(kDone));
}

}  // namespace patient_http::jobs
