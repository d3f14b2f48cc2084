#include "jobs/claim_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jobs/forwarding_store.h"
#include "jobs/sqlite_job_store.h"
#include "support/temporary_folder.h"

namespace patient_http::jobs {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class CountingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  StoreResult<std::vector<ClaimReference>> claims() override {
    ++comparisons;
    if (is_down) return tl::unexpected(StoreFailure{StoreFailure::Kind::kUnavailable, "down"});
    return store().claims();
  }
  int comparisons = 0;
  bool is_down = false;
};

class ClaimComparisonTest : public testing::Test {
 protected:
  // Seconds after some beginning, when the first comparison was.
  void call_at(int second) {
    comparison_.when_due(std::chrono::steady_clock::time_point(1h) + std::chrono::seconds(second),
                         waiting_, untaken_);
  }

  test::TemporaryFolder folder_;
  CountingStore store_{SqliteJobStore::open({.path = folder_.file("jobs.db")}).value()};
  InFlightJobs in_flight_;
  Processor processor_{ProcessorOptions{}};
  ClaimComparison comparison_{store_, in_flight_, processor_, 15s, Log()};
  std::deque<Claim> waiting_;
  std::deque<Claim> untaken_;
};

TEST_F(ClaimComparisonTest, ComparesFromTimeToTimeAndWhenRequested) {
  for (int second = 0; second <= 14; ++second) call_at(second);
  EXPECT_EQ(store_.comparisons, 1);
  call_at(15);
  EXPECT_EQ(store_.comparisons, 2);
  comparison_.request();
  call_at(16);
  call_at(17);
  EXPECT_EQ(store_.comparisons, 3);
}

TEST_F(ClaimComparisonTest, ComparesAfterALongPause) {
  call_at(0);
  call_at(5);
  EXPECT_EQ(store_.comparisons, 1);
  call_at(11);
  EXPECT_EQ(store_.comparisons, 2);
}

TEST_F(ClaimComparisonTest, TriesAgainWhenTheStoreIsDown) {
  store_.is_down = true;
  call_at(0);
  call_at(0);
  EXPECT_EQ(store_.comparisons, 1);
  call_at(1);
  EXPECT_EQ(store_.comparisons, 2);
}

TEST_F(ClaimComparisonTest, PutsBackOnlyWhatMemoryDoesNotKnow) {
  std::vector<NewJob> jobs;
  for (const char* jid : {"running", "settling", "waiting", "unknown"}) jobs.push_back({jid, "{}"});
  ASSERT_TRUE(store_.push(jobs, {}).has_value());
  auto claims = store_.claim(4).value();
  in_flight_.add("id", "running", claims[0].id);
  in_flight_.begin_settling(claims[1].id);
  waiting_.push_back(claims[2]);
  call_at(0);
  std::vector<std::string> left;
  const auto stored = store_.claims().value();
  for (const ClaimReference& claim : stored) left.push_back(claim.jid);
  EXPECT_THAT(left, ElementsAre("running", "settling", "waiting"));
  EXPECT_FALSE(in_flight_.end("id")->is_lost);
}

TEST_F(ClaimComparisonTest, DropsWhatWasRescuedWhileItWaitedForMemory) {
  // Another process sends it now: taking it up, too, would send it twice.
  const std::vector<NewJob> jobs = {{"waits", "{}"}, {"rescued", "{}"}};
  ASSERT_TRUE(store_.push(jobs, {}).has_value());
  std::vector<Claim> claims = store_.claim(2).value();
  for (Claim& claim : claims) untaken_.push_back(std::move(claim));
  const std::vector<std::string> rescued = {untaken_[1].id};
  ASSERT_TRUE(store_.release(rescued).has_value());
  call_at(0);
  ASSERT_EQ(untaken_.size(), 1U);
  EXPECT_EQ(untaken_[0].jid, "waits");
  EXPECT_EQ(store_.claims()->size(), 1U) << "the one that waits is no claim that nobody knows";
}

TEST_F(ClaimComparisonTest, MarksWhatTheStoreDoesNotKnowAsLost) {
  in_flight_.add("id", "jid", "claim");
  call_at(0);
  EXPECT_TRUE(in_flight_.end("id")->is_lost);
}

}  // namespace
}  // namespace patient_http::jobs
