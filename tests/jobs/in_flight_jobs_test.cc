#include "jobs/in_flight_jobs.h"

#include <gtest/gtest.h>

namespace patient_http::jobs {
namespace {

TEST(InFlightJobsTest, AdoptsASecondClaimOfTheSameJob) {
  InFlightJobs jobs;
  EXPECT_EQ(jobs.add("id", "jid", "claim 1"), InFlightJobs::Added::kNew);
  EXPECT_EQ(jobs.add("id", "jid", "claim 2"), InFlightJobs::Added::kAdopted);
  EXPECT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs.remove("id"), "claim 2");
  EXPECT_EQ(jobs.remove("id"), std::nullopt);
}

TEST(InFlightJobsTest, KeepsAnotherJobWithTheSameRequestIdOut) {
  InFlightJobs jobs;
  EXPECT_EQ(jobs.add("id", "jid", "claim 1"), InFlightJobs::Added::kNew);
  EXPECT_EQ(jobs.add("id", "other", "claim 2"), InFlightJobs::Added::kOther);
  EXPECT_EQ(jobs.remove("id"), "claim 1");
}

}  // namespace
}  // namespace patient_http::jobs
