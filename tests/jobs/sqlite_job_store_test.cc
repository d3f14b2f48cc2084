#include "jobs/sqlite_job_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "drivers/sqlite/database.h"
#include "drivers/sqlite/transaction.h"
#include "jobs/job_store_conformance.h"
#include "support/checkout.h"
#include "support/temporary_folder.h"

namespace patient_http::jobs {
namespace {

using conformance::kNow;
using conformance::must;
using testing::ElementsAre;
using testing::HasSubstr;
using Durability = SqliteJobStoreOptions::Durability;

// A store that ends with claims leaves them behind and frees its lock, as a killed process does.
class SqliteFleet final : public StoreFleet {
 public:
  JobStore& join() override {
    SqliteJobStoreOptions options;
    options.path = folder_.file("jobs.db");
    options.durability = Durability::kNormal;
    stores_.push_back(must(SqliteJobStore::open(options)));
    return *stores_.back();
  }
  void kill(JobStore& store) override {
    std::erase_if(stores_, [&](const auto& one) { return one.get() == &store; });
  }

 private:
  test::TemporaryFolder folder_;
  std::vector<std::unique_ptr<JobStore>> stores_;
};

std::unique_ptr<StoreFleet> make_sqlite_fleet() {
  return std::make_unique<SqliteFleet>();
}

INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreConformance, testing::Values(make_sqlite_fleet));

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class SqliteJobStoreTest : public testing::Test {
 protected:
  StoreResult<std::unique_ptr<SqliteJobStore>> open(bool is_exclusive = false) {
    SqliteJobStoreOptions options;
    options.path = path_;
    options.is_exclusive = is_exclusive;
    return SqliteJobStore::open(options);
  }
  std::size_t lock_files() {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      if (entry.path().extension() == ".lock") ++count;
    return count;
  }

  test::TemporaryFolder folder_;
  const std::string path_ = folder_.file("jobs.db");
};

TEST_F(SqliteJobStoreTest, WaitsForTheDiskUnlessToldOtherwise) {
  EXPECT_EQ(must(must(open())->durability()), Durability::kFull);
  SqliteJobStoreOptions options;
  options.path = path_;
  options.durability = Durability::kNormal;
  EXPECT_EQ(must(must(SqliteJobStore::open(options))->durability()), Durability::kNormal);
}

TEST_F(SqliteJobStoreTest, KeepsEverythingFromOneOpeningToTheNext) {
  {
    const auto store = must(open());
    must(store->push(std::vector<NewJob>{{"a", "x"}, {"b", "y"}}, std::vector<Note>{{"k", "v"}}));
    const auto claim = must(store->claim(1));
    must(store->complete(std::vector<Completion>{{claim[0].id, "c", "z", {}}}));
  }
  const auto store = must(open());
  EXPECT_EQ(must(store->note("k")), "v");
  EXPECT_EQ(must(store->statistics()).requests, 1);
  EXPECT_EQ(must(store->claim(9)).size(), 1U);
  EXPECT_EQ(must(store->claim_callbacks(9)).size(), 1U);
}

TEST_F(SqliteJobStoreTest, AllItsFilesArePrivate) {
  const auto store = must(open());
  must(store->push(std::vector<NewJob>{{"a", "x"}}, {}));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 4U);  // the database, -wal, -shm and the lock file
}

TEST_F(SqliteJobStoreTest, NamesItsProcessByHostAndPid) {
  const auto store = must(open());
  EXPECT_THAT(store->process_id(), HasSubstr(":" + std::to_string(::getpid()) + ":"));
  SqliteJobStoreOptions options;
  options.path = path_;
  options.process_prefix = "worker:7";
  const auto other = must(SqliteJobStore::open(options));
  EXPECT_THAT(other->process_id(), testing::MatchesRegex("worker:7:[0-9a-f]{16}"));
}

TEST_F(SqliteJobStoreTest, LeavesNoLockFileUnlessItLeavesClaims) {
  must(open());
  EXPECT_EQ(lock_files(), 0U);
  {
    const auto store = must(open());
    must(store->push(std::vector<NewJob>{{"a", "x"}}, {}));
    ASSERT_EQ(must(store->claim(1)).size(), 1U);
  }
  EXPECT_EQ(lock_files(), 1U);
  const auto store = must(open());
  EXPECT_EQ(must(store->rescue(kNow)), 1);
  EXPECT_EQ(lock_files(), 1U);  // its own
}

TEST_F(SqliteJobStoreTest, SeesTheSameFileThroughALink) {
  std::filesystem::create_symlink(path_, folder_.file("link.db"));
  const auto store = must(open());
  SqliteJobStoreOptions options;
  options.path = folder_.file("link.db");
  const auto other = must(SqliteJobStore::open(options));
  must(store->push(std::vector<NewJob>{{"a", "x"}}, {}));
  ASSERT_EQ(must(other->claim(1)).size(), 1U);
  EXPECT_EQ(must(store->rescue(kNow)), 0);
}

TEST_F(SqliteJobStoreTest, HeartbeatMendsALockFileThatSomebodyRemoved) {
  const auto store = must(open());
  const auto other = must(open());
  must(store->push(std::vector<NewJob>{{"a", "x"}}, {}));
  ASSERT_EQ(must(store->claim(1)).size(), 1U);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    if (entry.path().extension() == ".lock") std::filesystem::remove(entry.path());
  must(store->heartbeat({}));
  EXPECT_EQ(must(other->rescue(kNow)), 0);
}

// A process that was rescued while it lives is not known any more; what it claims later must be.
TEST_F(SqliteJobStoreTest, ProcessThatWasTakenForDeadIsKnownAgainFromItsNextClaim) {
  const auto other = must(open());
  {
    const auto store = must(open());
    must(store->push(std::vector<NewJob>{{"a", "x"}}, {}));
    ASSERT_EQ(must(store->claim(1)).size(), 1U);
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      if (entry.path().extension() == ".lock") std::filesystem::remove(entry.path());
    EXPECT_EQ(must(other->rescue(kNow)), 1);
    ASSERT_EQ(must(store->claim(1)).size(), 1U);
  }
  EXPECT_EQ(must(other->rescue(kNow)), 1);
}

TEST_F(SqliteJobStoreTest, ExclusiveMeansAloneWhoeverComesFirst) {
  {
    const auto first = must(open());
    const auto second = open(true);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, StoreFailure::Kind::kInUse);
    EXPECT_THAT(second.error().message,
                HasSubstr("process " + std::to_string(::getpid()) + " (" + first->process_id()));
  }
  const auto first = must(open(true));
  EXPECT_EQ(open(true).error().kind, StoreFailure::Kind::kInUse);
  EXPECT_EQ(open().error().kind, StoreFailure::Kind::kInUse);
  EXPECT_EQ(lock_files(), 1U);
}

TEST_F(SqliteJobStoreTest, ExclusiveDoesNotMindTheDead) {
  {
    const auto store = must(open(true));
    must(store->push(std::vector<NewJob>{{"a", "x"}}, {}));
    ASSERT_EQ(must(store->claim(1)).size(), 1U);
  }
  const auto store = must(open(true));
  EXPECT_EQ(must(store->rescue(kNow)), 1);
}

TEST_F(SqliteJobStoreTest, RefusesAFileThatIsNoDatabaseAndLeavesItAlone) {
  std::ofstream(path_) << "{\"url\":\"http://example.com\"}\n";
  const std::string before = contents(path_);
  const auto store = open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, StoreFailure::Kind::kDamaged);
  EXPECT_THAT(store.error().message, HasSubstr(path_));
  EXPECT_EQ(contents(path_), before);
  EXPECT_EQ(lock_files(), 0U);
}

TEST_F(SqliteJobStoreTest, RefusesTheDatabaseOfAnotherProgram) {
  {
    sqlite::OpenOptions options;
    options.path = path_;
    auto theirs = sqlite::Database::open(options);
    ASSERT_TRUE(theirs && theirs->execute("CREATE TABLE t (a)"));
  }
  const auto store = open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, StoreFailure::Kind::kDamaged);
}

TEST_F(SqliteJobStoreTest, RefusesANewerSchemaAndSaysSo) {
  must(open());
  {
    sqlite::OpenOptions options;
    options.path = path_;
    auto newer = sqlite::Database::open(options);
    ASSERT_TRUE(newer && newer->execute("PRAGMA user_version = 99"));
  }
  const auto store = open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, StoreFailure::Kind::kMisuse);
  EXPECT_THAT(store.error().message, HasSubstr("version 99"));
}

// Every column and index, in words.
std::string shape_of(sqlite::Database& database) {
  auto statement = database.statement(
      "SELECT group_concat(line, ' ') FROM (SELECT m.name || '.' || c.name || ':' || c.type AS line"
      " FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
      " UNION SELECT name || ' on ' || tbl_name FROM sqlite_master WHERE type = 'index'"
      " ORDER BY line)");
  return statement.step().value_or(false) ? std::string(statement.text(0)) : std::string();
}

// The tables of an older version.
std::string schema_of(int version) {
  return contents(PATIENT_HTTP_SOURCE_DIR "/tests/data/jobs/schema_" + std::to_string(version) +
                  ".sql");
}

TEST_F(SqliteJobStoreTest, BringsAFileOfVersion1ToToday) {
  const std::string schema = schema_of(1);
  ASSERT_FALSE(schema.empty());
  {
    auto old = sqlite::Database::open({.path = path_, .application_id = 0x50485451});
    ASSERT_TRUE(old && old->execute(schema));
    ASSERT_TRUE(
        old->execute("PRAGMA application_id = 1346917457; PRAGMA user_version = 1;"
                     "UPDATE sequence SET next = 3;"
                     "INSERT INTO jids VALUES ('a', 1), ('b', 2);"
                     "INSERT INTO payloads VALUES (1, 'a', 'x'), (2, 'b', 'y');"
                     "INSERT INTO ready VALUES (1, 1);"
                     "INSERT INTO dead VALUES (2, 1000, 'broken')"));
  }
  const auto store = must(open());
  EXPECT_EQ(must(store->claim(10)).at(0).bytes, "x");
  const auto dead = must(store->dead_jobs(10, ""));
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].jid, "b");
  EXPECT_FALSE(dead[0].is_callback);

  const std::string fresh_path = path_ + ".fresh";
  must(SqliteJobStore::open({.path = fresh_path}));
  auto upgraded = sqlite::Database::open({.path = path_});
  auto fresh = sqlite::Database::open({.path = fresh_path});
  ASSERT_TRUE(upgraded && fresh);
  EXPECT_EQ(shape_of(*upgraded), shape_of(*fresh));
}

TEST_F(SqliteJobStoreTest, BringsAFileOfVersion2ToToday) {
  const std::string schema = schema_of(2);
  ASSERT_FALSE(schema.empty());
  {
    auto old = sqlite::Database::open({.path = path_, .application_id = 0x50485451});
    ASSERT_TRUE(old && old->execute(schema));
    // Rescued at 0, half an hour and an hour; the first is not within the hour before the last.
    ASSERT_TRUE(
        old->execute("PRAGMA application_id = 1346917457; PRAGMA user_version = 2;"
                     "UPDATE sequence SET next = 2;"
                     "INSERT INTO jids VALUES ('a', 1);"
                     "INSERT INTO payloads VALUES (1, 'a', 'x');"
                     "INSERT INTO ready VALUES (1, 1);"
                     "INSERT INTO rescues VALUES (1, 1, 0), (1, 2, 1800000), (1, 3, 3600000)"));
  }
  const auto store = must(open());
  const Claim claim = must(store->claim(10)).at(0);
  EXPECT_EQ(claim.rescues, 2);
  EXPECT_EQ(claim.deaths, 0);

  const std::string fresh_path = path_ + ".fresh";
  must(SqliteJobStore::open({.path = fresh_path}));
  auto upgraded = sqlite::Database::open({.path = path_});
  auto fresh = sqlite::Database::open({.path = fresh_path});
  ASSERT_TRUE(upgraded && fresh);
  EXPECT_EQ(shape_of(*upgraded), shape_of(*fresh));
}

TEST_F(SqliteJobStoreTest, JobWithoutItsBytesIsDamageAndStaysWhereItIs) {
  const auto store = must(open());
  must(store->push(std::vector<NewJob>{{"a", "x"}}, {}));
  {
    sqlite::OpenOptions options;
    options.path = path_;
    auto database = sqlite::Database::open(options);
    ASSERT_TRUE(database && database->execute("DELETE FROM payloads"));
  }
  const auto claims = store->claim(1);
  ASSERT_FALSE(claims);
  EXPECT_EQ(claims.error().kind, StoreFailure::Kind::kDamaged);
  EXPECT_EQ(must(store->counts()).ready, 1);
}

TEST_F(SqliteJobStoreTest, StoreThatAnotherKeepsBusyIsUnavailableThenWorks) {
  SqliteJobStoreOptions options;
  options.path = path_;
  options.busy_timeout = std::chrono::milliseconds(10);
  const auto store = must(SqliteJobStore::open(options));
  sqlite::OpenOptions raw;
  raw.path = path_;
  auto database = sqlite::Database::open(raw);
  ASSERT_TRUE(database);
  {
    const auto transaction = sqlite::Transaction::begin(*database);
    ASSERT_TRUE(transaction);
    const auto done = store->push(std::vector<NewJob>{{"a", "x"}}, {});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, StoreFailure::Kind::kUnavailable);
    EXPECT_EQ(must(store->counts()).ready, 0);  // reading goes on
  }
  must(store->push(std::vector<NewJob>{{"a", "x"}}, {}));
  EXPECT_EQ(must(store->claim(2)).size(), 1U);
}

// No file of this process may grow beyond a limit while this lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t most) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit lower{most, limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit limit_{};
  void (*before_)(int);
};

TEST_F(SqliteJobStoreTest, DiskThatTakesNoMoreIsUnavailableAndLeavesNothingHalfWritten) {
  const auto store = must(open());
  must(store->push(std::vector<NewJob>{{"a", "x"}, {"b", "y"}}, {}));
  const auto claims = must(store->claim(1));
  const std::vector<NewJob> jobs{{"c", std::string(300'000, 'x')}, {"d", "small"}};
  const std::vector<Completion> completions{
      {claims[0].id, "callback", std::string(300'000, 'y'), {}}};
  {
    const FileSizeLimit limit(std::filesystem::file_size(path_ + "-wal") + 20'000);
    const auto pushed = store->push(jobs, std::vector<Note>{{"cursor", "2"}});
    ASSERT_FALSE(pushed);
    EXPECT_EQ(pushed.error().kind, StoreFailure::Kind::kUnavailable) << pushed.error().message;
    const auto completed = store->complete(completions);
    ASSERT_FALSE(completed);
    EXPECT_EQ(completed.error().kind, StoreFailure::Kind::kUnavailable);
    EXPECT_EQ(must(store->counts()).ready, 1);
    EXPECT_EQ(must(store->claims()).size(), 1U);
    EXPECT_EQ(must(store->note("cursor")), std::nullopt);
  }
  must(store->push(jobs, {}));
  EXPECT_THAT(must(store->complete(completions)), ElementsAre(Settled::kDone));
  EXPECT_EQ(must(store->statistics()).requests, 1);
  EXPECT_EQ(must(store->claim(9)).size(), 3U);
}

}  // namespace
}  // namespace patient_http::jobs
