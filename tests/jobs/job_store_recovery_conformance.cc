// Rescue, callbacks and waiting: the second part of the suite of job_store_conformance.h.

#include "jobs/job_store_conformance.h"

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

namespace patient_http::jobs {

using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::IsEmpty;

using namespace conformance;

TEST_P(JobStoreConformance, RescuePutsTheJobsOfTheDeadToTheBackUnchanged) {
  push({"a", "b", "c", "d"});
  JobStore& victim = fleet_->join();
  ASSERT_EQ(must(victim.claim(2)).size(), 2U);
  const auto mine = must(store_.claim(1));
  fleet_->kill(victim);
  EXPECT_EQ(must(store_.rescue(kNow)), 2);
  EXPECT_EQ(must(store_.rescue(kNow)), 0);
  EXPECT_EQ(must(store_.claims()).size(), 1U);
  const auto claims = must(store_.claim(10));
  ASSERT_THAT(jids(claims), ElementsAre("d", "a", "b"));
  EXPECT_EQ(claims[0].rescues, 0);
  EXPECT_EQ(claims[1].rescues, 1);
  EXPECT_EQ(claims[1].bytes, job_bytes("a"));
}

TEST_P(JobStoreConformance, RescueLeavesTheLivingAlone) {
  push({"a", "b"});
  JobStore& other = fleet_->join();
  const auto claims = must(other.claim(1));
  must(other.heartbeat({}));
  must(other.heartbeat({}));
  EXPECT_EQ(must(store_.rescue(kNow)), 0);
  EXPECT_THAT(must(other.complete(std::vector<Completion>{completion_of(claims[0])})),
              ElementsAre(kDone));
}

TEST_P(JobStoreConformance, RescueSparesTheDeadThatItIsToldTo) {
  push({"a", "b"});
  JobStore& spared = fleet_->join();
  const auto claims = must(spared.claim(1));
  const std::string process = spared.process_id();
  JobStore& victim = fleet_->join();
  ASSERT_EQ(must(victim.claim(1)).size(), 1U);
  fleet_->kill(spared);
  fleet_->kill(victim);
  EXPECT_EQ(must(store_.rescue_except(std::vector{process}, kNow)), 1);
  EXPECT_THAT(must(store_.complete_as(process, std::vector{completion_of(claims[0])})),
              ElementsAre(kDone));
  EXPECT_EQ(must(store_.rescue(kNow)), 0);
}

TEST_P(JobStoreConformance, CountsEveryRescueAlsoOfTheSameMoment) {
  push({"a"});
  for (int times = 0; times < 3; ++times) {
    JobStore& victim = fleet_->join();
    const auto claims = must(victim.claim(1));
    ASSERT_EQ(claims.size(), 1U);
    EXPECT_EQ(claims[0].rescues, times);
    fleet_->kill(victim);
    EXPECT_EQ(must(store_.rescue(kNow)), 1);
  }
  const auto claims = must(store_.claim(1));
  EXPECT_EQ(claims[0].rescues, 3);
  must(store_.release(ids(claims)));
  EXPECT_EQ(must(store_.claim(1))[0].rescues, 3);
}

TEST_P(JobStoreConformance, TwoRescuersAtOnceRescueEachJobOnce) {
  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i) names.push_back(std::to_string(i));
  push(names);
  for (int i = 0; i < 3; ++i) {
    JobStore& victim = fleet_->join();
    ASSERT_EQ(must(victim.claim(20)).size(), 20U);
    fleet_->kill(victim);
  }
  JobStore& other = fleet_->join();
  std::int64_t theirs = 0;
  std::thread rescuer([&] { theirs = must(other.rescue(kNow)); });
  const std::int64_t ours = must(store_.rescue(kNow));
  rescuer.join();
  EXPECT_EQ(ours + theirs + must(store_.rescue(kNow)), 60);
  EXPECT_EQ(ready().size(), 60U);
}

TEST_P(JobStoreConformance, ResultOfARescuedClaimIsDropped) {
  push({"a"});
  JobStore& victim = fleet_->join();
  const auto claims = must(victim.claim(1));
  fleet_->kill(victim);
  must(store_.rescue(kNow));
  const std::vector<Completion> completions{completion_of(claims[0])};
  EXPECT_THAT(must(store_.complete(completions)), ElementsAre(kGone));
  EXPECT_THAT(must(fleet_->join().complete(completions)), ElementsAre(kGone));
  const JobCounts counts = must(store_.counts());
  EXPECT_EQ(counts.callbacks_waiting, 0);
  EXPECT_EQ(counts.ready, 1);
  EXPECT_EQ(must(store_.statistics()).requests, 0);
}

TEST_P(JobStoreConformance, CallbacksEndOnceAndTheirJobIsThenForgotten) {
  push({"a", "b"});
  for (const Claim& claim : must(store_.claim(2)))
    must(store_.complete(std::vector<Completion>{completion_of(claim)}));
  const auto callbacks = must(store_.claim_callbacks(1));
  ASSERT_EQ(callbacks.size(), 1U);
  const std::vector<std::string> finished{callbacks[0].id};
  EXPECT_THAT(must(store_.finish_callbacks(finished, std::vector<Note>{{"output", "9"}})),
              ElementsAre(kDone));
  EXPECT_THAT(must(store_.finish_callbacks(finished, std::vector<Note>{{"output", "9"}})),
              ElementsAre(kGone));
  EXPECT_EQ(must(store_.note("output")), "9");
  EXPECT_THAT(callback_jids(store_), ElementsAre("b-callback"));
  push({"a", "b"});
  EXPECT_THAT(ready(), ElementsAre("a"));
}

TEST_P(JobStoreConformance, ReleasedCallbacksKeepTheirOrder) {
  push({"a", "b", "c"});
  for (const Claim& claim : must(store_.claim(3)))
    must(store_.complete(std::vector<Completion>{completion_of(claim)}));
  const auto callbacks = must(store_.claim_callbacks(2));
  const std::vector<std::string> backwards{callbacks[1].id, callbacks[0].id};
  EXPECT_THAT(must(store_.release_callbacks(backwards)), ElementsAre(kDone, kDone));
  EXPECT_THAT(must(store_.release_callbacks(backwards)), ElementsAre(kGone, kGone));
  EXPECT_THAT(must(store_.finish_callbacks(backwards, {})), ElementsAre(kGone, kGone));
  EXPECT_THAT(callback_jids(store_), ElementsAre("a-callback", "b-callback", "c-callback"));
}

TEST_P(JobStoreConformance, CallbacksOfTheDeadAreRescuedWithTheirJid) {
  push({"a", "b"});
  for (const Claim& claim : must(store_.claim(2)))
    must(store_.complete(std::vector<Completion>{completion_of(claim)}));
  JobStore& victim = fleet_->join();
  const auto lost = must(victim.claim_callbacks(1));
  fleet_->kill(victim);
  EXPECT_EQ(must(store_.rescue(kNow)), 1);
  EXPECT_EQ(must(store_.rescue(kNow)), 0);
  const auto callbacks = must(store_.claim_callbacks(10));
  ASSERT_EQ(callbacks.size(), 2U);
  EXPECT_EQ(callbacks[0].jid, "b-callback");
  EXPECT_EQ(callbacks[1].jid, "a-callback");
  EXPECT_EQ(callbacks[1].bytes, callback_bytes("a-callback"));
  EXPECT_EQ(callbacks[1].rescues, 1);
  EXPECT_THAT(must(store_.finish_callbacks(std::vector<std::string>{lost[0].id}, {})),
              ElementsAre(kGone));
}

TEST_P(JobStoreConformance, WaitEndsAtOnceWhenThereIsWork) {
  push({"a"});
  EXPECT_EQ(store_.wait_for_jobs(soon()), Wait::kWork);
  must(store_.complete(std::vector<Completion>{completion_of(must(store_.claim(1))[0])}));
  EXPECT_EQ(store_.wait_for_callbacks(soon()), Wait::kWork);
}

TEST_P(JobStoreConformance, WaitEndsAtItsDeadlineWithoutWork) {
  EXPECT_EQ(store_.wait_for_jobs(steady_clock::now()), Wait::kDeadline);
  EXPECT_EQ(store_.wait_for_callbacks(steady_clock::now() + std::chrono::milliseconds(5)),
            Wait::kDeadline);
}

TEST_P(JobStoreConformance, WorkFromThisProcessAndFromAnotherEndsAWait) {
  for (JobStore* const source : {&store_, &fleet_->join()}) {
    Wait ended = Wait::kDeadline;
    std::thread waiter([&] { ended = store_.wait_for_jobs(soon()); });
    must(source->push(std::vector<NewJob>{{source->process_id(), job_bytes(source->process_id())}},
                      {}));
    waiter.join();
    EXPECT_EQ(ended, Wait::kWork);
    EXPECT_EQ(must(store_.claim(10)).size(), 1U);
  }
}

TEST_P(JobStoreConformance, WakeEndsTheWaitsUnderWayOrElseTheNextOne) {
  store_.wake();
  EXPECT_EQ(store_.wait_for_jobs(soon()), Wait::kWoken);
  EXPECT_EQ(store_.wait_for_callbacks(soon()), Wait::kWoken);
  EXPECT_EQ(store_.wait_for_jobs(steady_clock::now()), Wait::kDeadline);
  std::thread waker([&] { store_.wake(); });
  EXPECT_EQ(store_.wait_for_jobs(soon()), Wait::kWoken);
  waker.join();
}

}  // namespace patient_http::jobs
