// Results that were spooled, and the claims that they need, on Redis.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jobs/redis_store_fixture.h"
#include "jobs/result_spool.h"
#include "jobs/task_monitor.h"
#include "support/temporary_folder.h"

namespace patient_http::jobs {
namespace {

using conformance::completion_of;
using conformance::job_bytes;
using conformance::must;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RedisSpoolTest : public RedisJobStoreTest {
 protected:
  Log logger() {
    return Log([this](LogLevel, std::string_view line) { lines_ += std::string(line) + "\n"; });
  }
  ResultSpool spool(JobStore& store) { return {store, folder_.file("state"), "jobs", logger()}; }
  // `process` claims a job.
  Completion claim_one(RedisJobStore& process, const std::string& name) {
    push_from_ruby(job_bytes(name));
    return completion_of(must(process.claim(1)).at(0));
  }
  [[nodiscard]] std::size_t count(const std::string& text) const {
    std::size_t found = 0;
    for (auto at = lines_.find(text); at != std::string::npos; at = lines_.find(text, at + 1))
      ++found;
    return found;
  }

  const test::TemporaryFolder folder_;
  std::string lines_;
};

// One spool file whose callback queue is no list kept every dead process from being rescued, and
// was logged every three seconds.
TEST_F(RedisSpoolTest, FileThatCannotBeHandedOverHoldsBackItsOwnProcessOnly) {
  const auto spooler = open();
  const auto unrelated = open();
  Completion result = claim_one(*spooler, "a");
  result.sidekiq_queue = "bad";
  claim_one(*unrelated, "b");
  ASSERT_TRUE(spool(*spooler).write(std::vector{result}).has_value());
  end_lease(spooler->process_id());
  end_lease(unrelated->process_id());
  server().command({"SET", "queue:bad", "no list"});

  const auto store = open();
  const ResultSpool spooled = spool(*store);
  StoreReporter reporter(logger());
  TaskMonitor monitor(
      *store, spooled, std::chrono::hours(1), std::chrono::hours(1), [] { return ProcessHealth(); },
      reporter, logger());
  for (int round = 0; round < 3; ++round) {
    monitor.start();
    monitor.stop();
  }
  EXPECT_EQ(count("is dead: 1 requests") + count("rescued"), 0U)
      << "the store has said it: " << lines_;
  EXPECT_THAT(log(), HasSubstr("process " + unrelated->process_id() + " is dead: 1 requests"));
  EXPECT_THAT(queue("patient_http_requests"), SizeIs(1)) << "that of the unrelated process";
  EXPECT_EQ(must(spooler->claims()).size(), 1U);
  EXPECT_EQ(count("hand over the results of"), 1U) << lines_;

  server().command({"DEL", "queue:bad"});
  monitor.start();
  monitor.stop();
  EXPECT_THAT(queue("bad"), SizeIs(1));
  EXPECT_THAT(queue("patient_http_requests"), SizeIs(1));
  EXPECT_THAT(spooled.deliver(), IsEmpty());
  EXPECT_THAT(lines_, HasSubstr("handed over 1 results"));
}

// The store was back when the process left: its claims were rescued within seconds, and the results
// that it had spooled were dropped by the next start.
TEST_F(RedisSpoolTest, ClaimsOfSpooledResultsAreKeptForTheNextStart) {
  auto spooler = open();
  const std::string process = spooler->process_id();
  const Completion result = claim_one(*spooler, "a");
  spooler->keep_claims();
  spooler.reset();
  const std::int64_t kept = integer({"PTTL", "patient_http:lease:" + process});
  EXPECT_GT(kept, 290'000);
  EXPECT_LE(kept, 300'000);
  EXPECT_EQ(must(open()->rescue(conformance::kNow)), 0);
  const auto next = open();
  EXPECT_THAT(must(next->complete_as(process, std::vector{result})),
              testing::ElementsAre(Settled::kDone));
  EXPECT_EQ(integer({"LLEN", "queue:patient_http_callbacks"}), 1);
  end_lease(process);
  EXPECT_EQ(must(next->rescue(conformance::kNow)), 0);
  EXPECT_EQ(integer({"SISMEMBER", "patient_http:processes", process}), 0);
}

TEST_F(RedisSpoolTest, KeptClaimsAreRescuedWhenNobodyHandsTheResultsOver) {
  auto spooler = open();
  const std::string process = spooler->process_id();
  claim_one(*spooler, "a");
  spooler->keep_claims();
  spooler.reset();
  end_lease(process);
  EXPECT_EQ(must(open()->rescue(conformance::kNow)), 1);
}

TEST_F(RedisSpoolTest, LeavesAtOnceWhenNoClaimStands) {
  auto store = open();
  const std::string process = store->process_id();
  store->keep_claims();
  store.reset();
  EXPECT_EQ(integer({"EXISTS", "patient_http:lease:" + process}), 0);
  EXPECT_EQ(integer({"SISMEMBER", "patient_http:processes", process}), 0);
}

}  // namespace
}  // namespace patient_http::jobs
