#include "drivers/sqlite/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "drivers/sqlite/transaction.h"
#include "support/temporary_folder.h"

namespace patient_http::sqlite {
namespace {

using Kind = SqliteFailure::Kind;

OpenOptions options_for(const std::string& path) {
  OpenOptions options;
  options.path = path;
  options.busy_timeout = std::chrono::milliseconds(20);
  return options;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class DatabaseTest : public testing::Test {
 protected:
  Database open() {
    auto database = Database::open(options_for(path_));
    if (!database) throw std::runtime_error(database.error().message);
    return std::move(*database);
  }

  test::TemporaryFolder folder_;
  const std::string path_ = folder_.file("jobs.db");
};

TEST_F(DatabaseTest, MakesAPrivateFileInWalModeWithLargePages) {
  Database database = open();
  ASSERT_TRUE(database.execute("CREATE TABLE t (x)"));
  EXPECT_EQ(**database.integer("PRAGMA page_size"), 16384);
  EXPECT_EQ(
      **database.integer("SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
  for (const char* const end : {"", "-wal", "-shm"}) {
    struct stat status {};
    ASSERT_EQ(::stat((path_ + end).c_str(), &status), 0) << end;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << end;
  }
}

TEST_F(DatabaseTest, SynchronousIsWhatWasAskedFor) {
  OpenOptions options = options_for(path_);
  options.synchronous = Synchronous::kNormal;
  auto normal = Database::open(options);
  ASSERT_TRUE(normal);
  EXPECT_EQ(**normal->integer("PRAGMA synchronous"), 1);
  Database full = open();
  EXPECT_EQ(**full.integer("PRAGMA synchronous"), 2);
}

TEST_F(DatabaseTest, GivesBackValuesOfEveryTypeAsTheyWereBound) {
  Database database = open();
  ASSERT_TRUE(database.execute("CREATE TABLE t (a, b, c, d, e, f)"));
  const std::string bytes("a\0b\xff", 4);
  ASSERT_TRUE(database.run("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)",
                           std::string_view("text\0x", 6), Blob{bytes}, INT64_MIN, 2.5, nullptr,
                           std::string_view()));
  Statement statement = database.statement("SELECT * FROM t");
  ASSERT_TRUE(statement.step().value_or(false));
  EXPECT_EQ(statement.text(0), std::string_view("text\0x", 6));
  EXPECT_EQ(statement.text(1), bytes);
  EXPECT_EQ(statement.integer(2), INT64_MIN);
  EXPECT_EQ(statement.real(3), 2.5);
  EXPECT_TRUE(statement.is_null(4));
  EXPECT_FALSE(statement.is_null(5));
  EXPECT_EQ(statement.text(5), "");
  EXPECT_FALSE(statement.step().value_or(true));
}

TEST_F(DatabaseTest, StatementsCanBeUsedAgainWithOtherValues) {
  Database database = open();
  ASSERT_TRUE(database.execute("CREATE TABLE t (a)"));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(database.run("INSERT INTO t VALUES (?)", i));
  EXPECT_EQ(database.changes(), 1);
  EXPECT_EQ(**database.integer("SELECT sum(a) FROM t"), 3);
  EXPECT_FALSE(database.integer("SELECT a FROM t WHERE a = ?", 9)->has_value());
}

TEST_F(DatabaseTest, MistakeInAStatementSaysWhichAndWhere) {
  Database database = open();
  const auto done = database.run("INSERT INTO nowhere VALUES (?)", "secret");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Kind::kOther);
  EXPECT_NE(done.error().message.find("INSERT INTO nowhere"), std::string::npos);
  EXPECT_NE(done.error().message.find(path_), std::string::npos);
  EXPECT_NE(done.error().message.find("no such table"), std::string::npos);
  EXPECT_EQ(done.error().message.find("secret"), std::string::npos);
}

TEST_F(DatabaseTest, RefusesToUseOneStatementTwiceAtOnce) {
  Database database = open();
  Statement first = database.statement("SELECT 1");
  Statement second = database.statement("SELECT 1");
  EXPECT_TRUE(first.step().value_or(false));
  EXPECT_FALSE(second.step());
}

TEST_F(DatabaseTest, TransactionThatWasNotCommittedLeavesNothing) {
  Database database = open();
  ASSERT_TRUE(database.execute("CREATE TABLE t (a)"));
  {
    auto transaction = Transaction::begin(database);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database.run("INSERT INTO t VALUES (1)"));
    EXPECT_TRUE(database.in_transaction());
  }
  EXPECT_FALSE(database.in_transaction());
  EXPECT_EQ(**database.integer("SELECT count(*) FROM t"), 0);
}

TEST_F(DatabaseTest, WriterThatWaitsTooLongForAnotherIsBusy) {
  Database one = open();
  Database two = open();
  auto first = Transaction::begin(one);
  ASSERT_TRUE(first);
  const auto second = Transaction::begin(two);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, Kind::kBusy);
  ASSERT_TRUE(first->commit());
  EXPECT_TRUE(Transaction::begin(two));
}

TEST_F(DatabaseTest, FullDatabaseIsFull) {
  Database database = open();
  ASSERT_TRUE(database.execute("CREATE TABLE t (a); PRAGMA max_page_count = 3"));
  const auto done = database.run("INSERT INTO t VALUES (zeroblob(200000))");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Kind::kFull);
}

TEST_F(DatabaseTest, RefusesAFileThatIsNoDatabaseAndLeavesItAlone) {
  for (const std::string& text : {std::string("short"), std::string(5000, 'x')}) {
    std::ofstream(path_, std::ios::binary) << text;
    const auto database = Database::open(options_for(path_));
    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().kind, Kind::kNotADatabase);
    EXPECT_NE(database.error().message.find(path_), std::string::npos);
    EXPECT_EQ(contents(path_), text);
    EXPECT_FALSE(std::filesystem::exists(path_ + "-wal"));
  }
}

TEST_F(DatabaseTest, RefusesTheDatabaseOfAnotherProgramAndLeavesItAlone) {
  {
    Database theirs = open();
    ASSERT_TRUE(theirs.execute("PRAGMA journal_mode = DELETE; CREATE TABLE t (a)"));
  }
  const std::string before = contents(path_);
  OpenOptions options = options_for(path_);
  options.application_id = 1234;
  const auto database = Database::open(options);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().kind, Kind::kNotADatabase);
  EXPECT_EQ(contents(path_), before);
}

TEST_F(DatabaseTest, FolderThatIsMissingIsAnIoFailure) {
  const auto database = Database::open(options_for(folder_.file("no/such/jobs.db")));
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().kind, Kind::kIo);
}

}  // namespace
}  // namespace patient_http::sqlite
