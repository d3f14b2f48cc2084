// What becomes of jobs and callbacks that fail, and of the payloads that they refer to.

#include <gmock/gmock.h>

#include <chrono>

#include "jobs/job_store_conformance.h"

namespace patient_http::jobs {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

using namespace conformance;

namespace {

FailedClaim retry(const CallbackClaim& claim, std::chrono::system_clock::time_point at) {
  return {claim.id, callback_bytes(claim.jid, "{}", ",\"retry_count\":0"), at, "it threw"};
}

FailedClaim retry_with_payload(const CallbackClaim& claim, const std::string& key) {
  return {claim.id, callback_bytes(claim.jid, reference_to(key)), kNow, "it threw"};
}

FailedClaim dead(const CallbackClaim& claim) {
  return {claim.id, std::nullopt, std::nullopt, "it threw too often"};
}

NewJob with_payload(const std::string& name) {
  return {.jid = name, .bytes = job_bytes(name, reference_to(name)), .payload = "files/" + name};
}

// `key` is that of the payload in the store "files".
Completion with_payload(Completion completion, const std::string& key) {
  completion.callback_bytes = callback_bytes(completion.callback_jid, reference_to(key));
  completion.payload = "files/" + key;
  return completion;
}

std::string without_brace(const std::string& object) {
  return object.substr(0, object.size() - 1);
}

std::vector<std::string> unneeded(JobStore& store) {
  return must(store.unneeded_payloads(100, ""));
}

std::vector<std::string> list(std::initializer_list<std::string> texts) {
  return texts;
}

// A callback that is running: its job's jid is `name`.
CallbackClaim running_callback(JobStore& store, const std::string& name) {
  must(store.push(std::vector<NewJob>{{name, job_bytes(name)}}, {}));
  must(store.complete(std::vector{completion_of(must(store.claim(1)).at(0))}));
  return must(store.claim_callbacks(1)).at(0);
}

}  // namespace

TEST_P(JobStoreConformance, KeepsJobsUntilTheyAreToRun) {
  must(store_.push(
      std::vector<NewJob>{{.jid = "late", .bytes = job_bytes("late"), .run_at = kNow + seconds(10)},
                          {.jid = "soon", .bytes = job_bytes("soon"), .run_at = kNow + seconds(5)}},
      {}));
  EXPECT_EQ(must(store_.counts()).scheduled, 2);
  EXPECT_EQ(must(store_.promote_due(kNow)), 0);
  EXPECT_EQ(must(store_.promote_due(kNow + seconds(20))), 2);
  EXPECT_THAT(ready(), ElementsAre("soon", "late"));
}

TEST_P(JobStoreConformance, TriesCallbacksAgainWhenTheirTimeHasCome) {
  const CallbackClaim claim = running_callback(store_, "a");
  const std::vector failed{retry(claim, kNow + seconds(15))};
  EXPECT_THAT(must(store_.fail_callbacks(failed, kNow)), ElementsAre(kDone));
  EXPECT_THAT(must(store_.fail_callbacks(failed, kNow)), ElementsAre(kGone));
  EXPECT_EQ(must(store_.counts()).callbacks_scheduled, 1);
  EXPECT_THAT(must(store_.claim_callbacks(1)), IsEmpty());
  EXPECT_EQ(must(store_.promote_due(kNow + seconds(14))), 0);
  EXPECT_EQ(must(store_.promote_due(kNow + seconds(15))), 1);
  EXPECT_EQ(must(store_.promote_due(kNow + seconds(15))), 0);
  const auto again = must(store_.claim_callbacks(10));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].jid, claim.jid);
  EXPECT_EQ(unstamped(again[0].bytes), *failed[0].bytes);
}

TEST_P(JobStoreConformance, RefusesToPushAJobWhoseCallbackIsScheduledOrDead) {
  must(store_.fail_callbacks(std::vector{retry(running_callback(store_, "a"), kNow)}, kNow));
  must(store_.fail_callbacks(std::vector{dead(running_callback(store_, "b"))}, kNow));
  push({"a", "b"});
  EXPECT_EQ(must(store_.counts()).ready, 0);
}

TEST_P(JobStoreConformance, ListsTheDeadLastFirstAndPageByPage) {
  must(store_.fail_callbacks(std::vector{dead(running_callback(store_, "a"))}, kNow));
  push({"b", "c"});
  const auto claims = must(store_.claim(2));
  must(store_.fail(std::vector{conformance::dead(claims[0])}, kNow + seconds(1)));
  must(store_.fail(std::vector{conformance::dead(claims[1])}, kNow + seconds(1)));

  const auto first = must(store_.dead_jobs(2, ""));
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].jid, "c");
  EXPECT_FALSE(first[0].is_callback);
  // A store may keep the reason in the job, at its end.
  EXPECT_THAT(first[0].bytes, StartsWith(without_brace(job_bytes("c"))));
  EXPECT_EQ(first[0].reason, "broken");
  EXPECT_EQ(first[0].died, kNow + seconds(1));
  EXPECT_EQ(first[1].jid, "b");
  const auto rest = must(store_.dead_jobs(2, first[1].id));
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].jid, "a-callback");
  EXPECT_TRUE(rest[0].is_callback);
  EXPECT_THAT(rest[0].bytes, StartsWith(without_brace(callback_bytes("a-callback"))));
  EXPECT_THAT(must(store_.dead_jobs(2, rest[0].id)), IsEmpty());
}

TEST_P(JobStoreConformance, PutsTheDeadBackIntoTheirQueue) {
  must(store_.fail_callbacks(std::vector{dead(running_callback(store_, "a"))}, kNow));
  push({"b"});
  must(store_.fail(std::vector{conformance::dead(must(store_.claim(1)).at(0))}, kNow));
  const auto found = must(store_.dead_jobs(10, ""));
  const std::vector ids{found.at(0).id, found.at(1).id, std::string("no id"), std::string("1:2")};
  EXPECT_EQ(must(store_.retry_dead(ids)), 2);
  EXPECT_EQ(must(store_.retry_dead(ids)), 0);
  EXPECT_EQ(must(store_.counts()).dead, 0);
  EXPECT_THAT(callback_jids(store_), ElementsAre("a-callback"));
  EXPECT_THAT(ready(), ElementsAre("b"));
}

TEST_P(JobStoreConformance, ForgetsTheDeadThatAreDeleted) {
  must(store_.fail_callbacks(std::vector{dead(running_callback(store_, "a"))}, kNow));
  const std::vector ids{must(store_.dead_jobs(10, "")).at(0).id};
  EXPECT_EQ(must(store_.delete_dead(ids)), 1);
  EXPECT_EQ(must(store_.delete_dead(ids)), 0);
  EXPECT_EQ(must(store_.counts()).dead, 0);
  push({"a"});
  EXPECT_EQ(must(store_.counts()).ready, 1);
}

TEST_P(JobStoreConformance, TrimsTheDeadByTheirAge) {
  push({"old", "young"});
  const auto claims = must(store_.claim(2));
  must(store_.fail(std::vector{conformance::dead(claims[0])}, kNow));
  must(store_.fail(std::vector{conformance::dead(claims[1])}, kNow + hours(1)));
  EXPECT_EQ(must(store_.trim_dead(kNow + hours(1))), 1);
  EXPECT_EQ(must(store_.trim_dead(kNow + hours(1))), 0);
  EXPECT_EQ(must(store_.dead_jobs(10, "")).at(0).jid, "young");
}

TEST_P(JobStoreConformance, NeedsAnAnnouncedPayloadAsLongAsItsProcessLives) {
  JobStore& other = fleet_->join();
  must(other.announce_payloads(list({"files/a"})));
  must(other.announce_payloads(list({"files/a"})));
  EXPECT_THAT(unneeded(store_), IsEmpty());
  EXPECT_THAT(unneeded(other), IsEmpty());
  fleet_->kill(other);
  must(store_.rescue(kNow));
  EXPECT_THAT(unneeded(store_), ElementsAre("files/a"));
  must(store_.forget_payloads(list({"files/a"})));
  must(store_.forget_payloads(list({"files/a"})));
  EXPECT_THAT(unneeded(store_), IsEmpty());
}

// The announced payload of a process that dies is the job's, once it was pushed.
TEST_P(JobStoreConformance, NeedsThePayloadOfAJobWhateverBecomesOfItsProcess) {
  JobStore& other = fleet_->join();
  must(other.announce_payloads(list({"files/a"})));
  must(other.push(std::vector{with_payload("a")}, {}));
  ASSERT_EQ(must(other.claim(1)).size(), 1U);
  fleet_->kill(other);
  must(store_.rescue(kNow));
  EXPECT_THAT(unneeded(store_), IsEmpty());
  must(store_.forget_payloads(list({"files/a"})));
  const auto claims = must(store_.claim(1));
  ASSERT_EQ(claims.size(), 1U);
  must(store_.fail(std::vector{conformance::retry(claims[0], kNow)}, kNow));
  EXPECT_THAT(unneeded(store_), IsEmpty());
  must(store_.promote_due(kNow));
  must(store_.fail(std::vector{conformance::dead(must(store_.claim(1)).at(0))}, kNow));
  EXPECT_THAT(unneeded(store_), IsEmpty());
  must(store_.delete_dead(std::vector{must(store_.dead_jobs(1, "")).at(0).id}));
  EXPECT_THAT(unneeded(store_), ElementsAre("files/a"));
}

TEST_P(JobStoreConformance, NeedsNoPayloadThatCameWithAJobItKnew) {
  push({"a"});
  must(store_.announce_payloads(list({"files/a"})));
  const std::vector job{with_payload("a")};
  must(store_.push(job, {}));
  EXPECT_THAT(unneeded(store_), ElementsAre("files/a"));
}

TEST_P(JobStoreConformance, NeedsThePayloadWhenAPushIsRepeated) {
  must(store_.announce_payloads(list({"files/a"})));
  const std::vector job{with_payload("a")};
  must(store_.push(job, {}));
  must(store_.push(job, {}));
  EXPECT_THAT(unneeded(store_), IsEmpty());
}

TEST_P(JobStoreConformance, ExchangesThePayloadOfTheJobForThatOfItsCallback) {
  must(store_.push(std::vector{with_payload("request")}, {}));
  must(store_.announce_payloads(list({"files/response"})));
  const std::vector completion{
      with_payload(completion_of(must(store_.claim(1)).at(0)), "response")};
  EXPECT_THAT(must(store_.complete(completion)), ElementsAre(kDone));
  EXPECT_THAT(unneeded(store_), ElementsAre("files/request"));
  // Its reply was lost.
  EXPECT_THAT(must(store_.complete(completion)), ElementsAre(kGone));
  EXPECT_THAT(unneeded(store_), ElementsAre("files/request"));
  must(store_.forget_payloads(list({"files/request"})));

  const CallbackClaim first = must(store_.claim_callbacks(1)).at(0);
  must(store_.fail_callbacks(std::vector{retry_with_payload(first, "response")}, kNow));
  must(store_.promote_due(kNow));
  must(store_.fail_callbacks(std::vector{dead(must(store_.claim_callbacks(1)).at(0))}, kNow));
  must(store_.retry_dead(std::vector{must(store_.dead_jobs(1, "")).at(0).id}));
  EXPECT_THAT(unneeded(store_), IsEmpty());
  must(store_.finish_callbacks(std::vector{must(store_.claim_callbacks(1)).at(0).id}, {}));
  EXPECT_THAT(unneeded(store_), ElementsAre("files/response"));
}

TEST_P(JobStoreConformance, NeedsNoPayloadOfACompletionWhoseClaimIsGone) {
  JobStore& other = fleet_->join();
  must(other.push(std::vector{with_payload("request")}, {}));
  const Completion late = with_payload(completion_of(must(other.claim(1)).at(0)), "late");
  must(other.announce_payloads(list({"files/late"})));
  must(other.release(std::vector{late.claim_id}));
  EXPECT_THAT(must(other.complete(std::vector{late})), ElementsAre(kGone));
  EXPECT_THAT(unneeded(store_), ElementsAre("files/late"));
}

TEST_P(JobStoreConformance, ListsUnneededPayloadsPageByPage) {
  push({"a", "b", "c"});
  must(store_.announce_payloads(list({"files/c", "files/a", "files/b"})));
  must(store_.push(std::vector{with_payload("a"), with_payload("b"), with_payload("c")}, {}));
  EXPECT_THAT(must(store_.unneeded_payloads(2, "")), ElementsAre("files/a", "files/b"));
  EXPECT_THAT(must(store_.unneeded_payloads(2, "files/b")), ElementsAre("files/c"));
}

}  // namespace patient_http::jobs
