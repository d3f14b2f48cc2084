#include "jobs/in_flight_jobs.h"

#include <gtest/gtest.h>

namespace patient_http::jobs {
namespace {

TEST(InFlightJobsTest, AdoptsASecondClaimOfTheSameJob) {
  InFlightJobs jobs;
  EXPECT_EQ(jobs.add("id", "jid", "claim 1"), InFlightJobs::Added::kNew);
  EXPECT_EQ(jobs.add("id", "jid", "claim 2"), InFlightJobs::Added::kAdopted);
  EXPECT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs.end("id")->claim_id, "claim 2");
  EXPECT_FALSE(jobs.end("id").has_value());
}

TEST(InFlightJobsTest, KeepsAnotherJobWithTheSameRequestIdOut) {
  InFlightJobs jobs;
  EXPECT_EQ(jobs.add("id", "jid", "claim 1"), InFlightJobs::Added::kNew);
  EXPECT_EQ(jobs.add("id", "other", "claim 2"), InFlightJobs::Added::kOther);
  EXPECT_EQ(jobs.end("id")->claim_id, "claim 1");
}

TEST(InFlightJobsTest, KnowsAClaimUntilItIsSettled) {
  InFlightJobs jobs;
  jobs.add("id", "jid", "claim 1");
  ASSERT_EQ(jobs.known().running.size(), 1U);
  EXPECT_EQ(jobs.known().running[0].request_id, "id");
  EXPECT_EQ(jobs.end("id")->claim_id, "claim 1");
  jobs.begin_settling("claim 2");
  EXPECT_TRUE(jobs.known().running.empty());
  EXPECT_EQ(jobs.known().claim_ids, (std::unordered_set<std::string>{"claim 1", "claim 2"}));
  // The job was rescued and claimed again while its result is on its way.
  EXPECT_EQ(jobs.add("id", "jid", "claim 3"), InFlightJobs::Added::kNew);
  jobs.settled("claim 1");
  jobs.abandon("claim 2");
  EXPECT_EQ(jobs.known().claim_ids, (std::unordered_set<std::string>{"claim 2", "claim 3"}));
  jobs.clear();
  EXPECT_TRUE(jobs.known().claim_ids.empty());
}

TEST(InFlightJobsTest, SuspectIsThereUntilItIsSettledAbandonedOrRemoved) {
  InFlightJobs jobs;
  jobs.add("ordinary", "jid 1", "claim 1");
  EXPECT_FALSE(jobs.has_suspect());
  jobs.add("id", "jid", "claim 2", true);
  EXPECT_TRUE(jobs.has_suspect());
  jobs.end("id");
  EXPECT_TRUE(jobs.has_suspect());
  EXPECT_TRUE(jobs.settled("claim 2"));
  EXPECT_FALSE(jobs.settled("claim 2"));
  EXPECT_FALSE(jobs.has_suspect());

  jobs.add("id", "jid", "claim 3", true);
  jobs.add("id", "jid", "claim 4", true);
  jobs.end("id");
  jobs.abandon("claim 4");
  EXPECT_FALSE(jobs.settled("claim 4"));
  EXPECT_FALSE(jobs.has_suspect());

  jobs.add("ordinary", "jid 1", "claim 5", true);
  EXPECT_TRUE(jobs.has_suspect());
  jobs.remove("ordinary");
  EXPECT_FALSE(jobs.has_suspect());
}

TEST(InFlightJobsTest, OnlyTheClaimThatRunsIsLost) {
  InFlightJobs jobs;
  jobs.add("id", "jid", "claim 1");
  EXPECT_FALSE(jobs.mark_lost("id", "claim 0"));
  EXPECT_FALSE(jobs.mark_lost("other", "claim 1"));
  EXPECT_TRUE(jobs.mark_lost("id", "claim 1"));
  jobs.add("id", "jid", "claim 2");
  const auto ended = jobs.end("id");
  ASSERT_TRUE(ended.has_value());
  EXPECT_TRUE(ended->is_lost) << "it was cancelled, whichever claim it has now";
  EXPECT_FALSE(jobs.mark_lost("id", "claim 2"));
}

TEST(InFlightJobsTest, CountsBytesUntilTheStoreHasEndedTheClaim) {
  InFlightJobs jobs;
  jobs.add("a", "jid a", "claim a", false, 100);
  jobs.add("a", "jid a", "claim a2", false, 100);  // the same, claimed anew
  jobs.add("a", "other", "claim", false, 100);     // another: it is not taken
  jobs.add("b", "jid b", "claim b", true, 20);
  jobs.add("c", "jid c", "claim c", false, 3);
  EXPECT_EQ(jobs.bytes(), 123U);
  jobs.end("a");
  EXPECT_EQ(jobs.bytes(), 123U) << "its result is not stored yet";
  jobs.settled("claim a2");
  EXPECT_EQ(jobs.bytes(), 23U);
  jobs.end("b");
  jobs.abandon("claim b");
  EXPECT_EQ(jobs.bytes(), 3U);
  jobs.remove("c");
  EXPECT_EQ(jobs.bytes(), 0U);
  jobs.add("d", "jid d", "claim d", false, 4);
  jobs.clear();
  EXPECT_EQ(jobs.bytes(), 0U);
}

}  // namespace
}  // namespace patient_http::jobs
