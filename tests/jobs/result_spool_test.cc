#include "jobs/result_spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "drivers/sqlite/database.h"
#include "drivers/sqlite/transaction.h"
#include "jobs/job_store_conformance.h"
#include "jobs/spool_line.h"
#include "jobs/sqlite_job_store.h"
#include "support/temporary_folder.h"

namespace patient_http::jobs {
namespace {

using conformance::completion_of;
using conformance::kNow;
using conformance::must;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ResultSpoolTest : public testing::Test {
 protected:
  Log logger() {
    return Log([this](LogLevel, std::string_view line) { log_ += std::string(line) + "\n"; });
  }
  std::unique_ptr<SqliteJobStore> join() {
    return must(SqliteJobStore::open({.path = folder_.file("jobs.db"),
                                      .durability = SqliteJobStoreOptions::Durability::kNormal,
                                      .busy_timeout = std::chrono::milliseconds(20),
                                      .log = logger()}));
  }
  ResultSpool spool(JobStore& store) { return {store, directory_, "jobs", logger()}; }
  // A process claims these, spools their results, and dies.
  std::string leave_results(const std::vector<std::string>& names) {
    const auto victim = join();
    std::vector<NewJob> jobs;
    for (const std::string& name : names) jobs.push_back({name, "{}"});
    must(victim->push(jobs, {}));
    std::vector<Completion> results;
    for (const Claim& claim : must_claim(*victim)) results.push_back(completion_of(claim));
    return spool(*victim).write(results).value();
  }
  static std::vector<Claim> must_claim(JobStore& store) { return must(store.claim(1000)); }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      names.push_back(entry.path().filename());
    return names;
  }
  static std::string read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  test::TemporaryFolder folder_;
  const std::string directory_ = folder_.file("state/spool");
  std::string log_;
};

TEST_F(ResultSpoolTest, HandsOverOnceWhatADeadProcessLeft) {
  const std::string path = leave_results({"a", "b"});
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat(directory_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  EXPECT_THAT(std::filesystem::path(path).filename().string(),
              testing::MatchesRegex("spool-[A-Za-z0-9._-]+_[0-9]+_[0-9a-f]+\\.jsonl"));

  const auto store = join();
  EXPECT_THAT(spool(*store).deliver(), IsEmpty());
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_THAT(spool(*store).deliver(), IsEmpty());
  EXPECT_EQ(must(store->rescue(kNow)), 0);
  const auto callbacks = must(store->claim_callbacks(10));
  ASSERT_EQ(callbacks.size(), 2U);
  EXPECT_EQ(callbacks[0].bytes, conformance::callback_bytes("a-callback"));
  EXPECT_EQ(must(store->statistics()).http_status.at(200), 2);
  EXPECT_THAT(log_, HasSubstr("handed over 2 results"));
}

TEST_F(ResultSpoolTest, DropsResultsWhoseClaimsWereRescued) {
  leave_results({"a"});
  const auto store = join();
  EXPECT_EQ(must(store->rescue(kNow)), 1);
  EXPECT_THAT(spool(*store).deliver(), IsEmpty());
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_EQ(must(store->counts()).callbacks_waiting, 0);
  EXPECT_THAT(log_, HasSubstr("rescued 1 jobs and callbacks of processes that died\n"));
  EXPECT_THAT(log_, HasSubstr("1 results"));
  EXPECT_THAT(log_, HasSubstr("were dropped"));
}

TEST_F(ResultSpoolTest, HandsOverWhatCanBeReadAndKeepsTheFile) {
  const std::string path = leave_results({"a", "b", "c"});
  std::string text = read(path);
  text.replace(text.find("{\"claim_id\""), 5, "#####");
  text.resize(text.size() - 7);
  std::ofstream(path, std::ios::binary) << text;
  const auto store = join();
  EXPECT_THAT(spool(*store).deliver(), IsEmpty());
  EXPECT_EQ(must(store->counts()).callbacks_waiting, 1);
  EXPECT_EQ(must(store->rescue(kNow)), 2);
  EXPECT_THAT(files(), ElementsAre(testing::EndsWith(".jsonl.broken")));
  EXPECT_THAT(log_, HasSubstr("2 lines of"));
  EXPECT_THAT(spool(*store).deliver(), IsEmpty());
}

// The text of the last result is whole, but for its line feed.
TEST_F(ResultSpoolTest, LineWithoutItsEndCountsAsHalfWritten) {
  const std::string path = leave_results({"a"});
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  const auto store = join();
  EXPECT_THAT(spool(*store).deliver(), IsEmpty());
  EXPECT_EQ(must(store->counts()).callbacks_waiting, 0);
  EXPECT_THAT(files(), ElementsAre(testing::EndsWith(".jsonl.broken")));
}

TEST_F(ResultSpoolTest, LeavesFilesOfOtherStoresAndOfTheLiving) {
  const auto store = join();
  const auto other = join();
  must(other->push(std::vector<NewJob>{{"a", "{}"}}, {}));
  const auto claims = must_claim(*other);
  const std::vector<Completion> results{completion_of(claims.at(0))};
  ASSERT_TRUE(spool(*other).write(results).has_value());
  ASSERT_TRUE(ResultSpool(*store, directory_, "another", Log()).write(results).has_value());
  std::ofstream(directory_ + "/spool-empty.jsonl");
  std::ofstream(directory_ + "/something else") << "x";
  EXPECT_THAT(spool(*store).deliver(), ElementsAre(other->process_id()));
  EXPECT_EQ(files().size(), 4U);
  EXPECT_EQ(must(store->counts()).callbacks_waiting, 0);
}

// They used to lie there without a word.
TEST_F(ResultSpoolTest, SaysOnceWhichStoreAFileIsFor) {
  const auto store = join();
  const std::string name = "redis://u:hunter2@other:6379/1?password=hunter2";
  const auto path = ResultSpool(*store, directory_, name, Log()).write({});
  ASSERT_TRUE(path.has_value());
  const ResultSpool ours(*store, directory_, "jobs", logger());
  for (int round = 0; round < 3; ++round) EXPECT_THAT(ours.deliver(), IsEmpty());
  EXPECT_EQ(log_, *path +
                      " holds results of another store, redis://other:6379/1; start a service "
                      "on that store with this state_directory\n");
}

TEST_F(ResultSpoolTest, HandsOverWhatAnEarlierStopOfThisProcessLeft) {
  const auto store = join();
  must(store->push(std::vector<NewJob>{{"a", "{}"}, {"b", "{}"}}, {}));
  const auto claims = must_claim(*store);
  for (const Claim& claim : claims)
    ASSERT_TRUE(spool(*store).write(std::vector<Completion>{completion_of(claim)}).has_value());
  EXPECT_EQ(files().size(), 2U) << "each stop has a file of its own";
  EXPECT_THAT(spool(*store).deliver(), IsEmpty());
  EXPECT_EQ(must(store->counts()).callbacks_waiting, 2);
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(ResultSpoolTest, KeepsEverythingWhileTheStoreIsDown) {
  leave_results({"a"});
  const auto store = join();
  {
    auto database = sqlite::Database::open({.path = folder_.file("jobs.db")});
    const auto busy = sqlite::Transaction::begin(*database);
    ASSERT_TRUE(busy.has_value());
    EXPECT_EQ(spool(*store).deliver().size(), 1U);
    EXPECT_EQ(files().size(), 1U);
  }
  EXPECT_THAT(spool(*store).deliver(), IsEmpty());
  EXPECT_EQ(must(store->counts()).callbacks_waiting, 1);
}

TEST_F(ResultSpoolTest, TwoStartsAtOnceHandOverOnce) {
  std::vector<std::string> names;
  for (int i = 0; i < 250; ++i) names.push_back(std::to_string(i));
  leave_results(names);
  const auto one = join();
  const auto two = join();
  const ResultSpool first(*one, directory_, "jobs", Log());
  const ResultSpool second(*two, directory_, "jobs", Log());
  std::thread thread([&] { static_cast<void>(first.deliver()); });
  static_cast<void>(second.deliver());
  thread.join();
  EXPECT_EQ(must(one->counts()).callbacks_waiting, 250);
  EXPECT_EQ(must(one->statistics()).requests, 250);
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(ResultSpoolTest, IsOffWithoutADirectory) {
  const auto store = join();
  const ResultSpool off(*store, "", "jobs", Log());
  EXPECT_FALSE(off.is_enabled());
  EXPECT_THAT(off.deliver(), IsEmpty());
}

TEST_F(ResultSpoolTest, RefusesADirectoryThatCannotBeMade) {
  const auto store = join();
  std::ofstream(folder_.file("file")) << "x";
  EXPECT_THROW(ResultSpool(*store, folder_.file("file/below"), "jobs", Log()), std::runtime_error);
}

TEST(SpoolLineTest, BringsEveryFieldBack) {
  Completion result{"1-2", "jid", std::string("\0\xff{\"a\":[30.50]}\n", 16), {}};
  result.statistics.duration = std::chrono::duration<double>(0.125);
  result.statistics.error_type = "timeout";
  result.payload = "files/key";
  result.sidekiq_queue = "default";
  const std::string line = to_spool_line(result);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto read = parse_spool_result(line);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->claim_id, "1-2");
  EXPECT_EQ(read->callback_jid, "jid");
  EXPECT_EQ(read->callback_bytes, result.callback_bytes);
  EXPECT_EQ(read->statistics.duration.count(), 0.125);
  EXPECT_EQ(read->statistics.error_type, "timeout");
  EXPECT_EQ(read->statistics.http_status, std::nullopt);
  EXPECT_EQ(read->payload, "files/key");
  EXPECT_EQ(read->sidekiq_queue, "default");
  EXPECT_FALSE(parse_spool_result(to_spool_line(SpoolHead{"process", "store"})).has_value());
  EXPECT_FALSE(parse_spool_head(line).has_value());
  EXPECT_FALSE(parse_spool_result("{").has_value());
}

}  // namespace
}  // namespace patient_http::jobs
