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

}  // namespace
}  // namespace patient_http::jobs
