#include "patient_http/sqlite_payload_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <stdexcept>

#include "drivers/sqlite/database.h"
#include "payload/file_size_limit.h"
#include "payload/payload_store_conformance.h"
#include "support/program.h"
#include "support/temporary_folder.h"

namespace patient_http::payload {
namespace {

using testing::HasSubstr;

constexpr const char* kKey = "07aa468d-b464-4e75-befb-4c20e7c4193d";

std::unique_ptr<SqlitePayloadStore> open(const std::string& path) {
  auto store = SqlitePayloadStore::open(path);
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(*store);
}

class SqliteBacking final : public PayloadBacking {
 public:
  std::unique_ptr<PayloadStore> open() override { return payload::open(folder_.file("payloads")); }

 private:
  test::TemporaryFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, PayloadStoreConformance,
                         testing::Values([] { return std::make_unique<SqliteBacking>(); }));

class SqlitePayloadStoreTest : public testing::Test {
 protected:
  sqlite::Database database() const {
    sqlite::OpenOptions options;
    options.path = path_;
    auto opened = sqlite::Database::open(options);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }

  const test::TemporaryFolder folder_;
  const std::string path_ = folder_.file("payloads.db");
};

TEST_F(SqlitePayloadStoreTest, HasTheTableOfTheGem) {
  const auto store = open(path_);
  ASSERT_TRUE(store->store(kKey, "{}"));
  sqlite::Database opened = database();
  sqlite::Statement statement = opened.statement(
      "SELECT key, data, created_at, updated_at,"
      " abs(julianday('now') - julianday(created_at)) < 0.01 FROM patient_http_payloads");
  ASSERT_TRUE(*statement.step());
  EXPECT_EQ(statement.text(0), kKey);
  EXPECT_EQ(statement.text(1), "{}");
  EXPECT_THAT(std::string(statement.text(2)),
              testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\\.[0-9]{3}"));
  EXPECT_EQ(statement.text(3), statement.text(2));
  EXPECT_EQ(statement.integer(4), 1);
  EXPECT_FALSE(*statement.step());
}

TEST_F(SqlitePayloadStoreTest, KeepsTheTimeOfTheFirstWriteWhenItIsReplaced) {
  const auto store = open(path_);
  ASSERT_TRUE(store->store(kKey, "1"));
  sqlite::Database opened = database();
  ASSERT_TRUE(
      opened.execute("UPDATE patient_http_payloads SET created_at = '2020-01-01 00:00:00',"
                     " updated_at = '2020-01-01 00:00:00'"));
  ASSERT_TRUE(store->store(kKey, "2"));
  EXPECT_EQ(**opened.integer("SELECT count(*) FROM patient_http_payloads"
                             " WHERE created_at = '2020-01-01 00:00:00'"
                             " AND updated_at > '2025' AND data = '2'"),
            1);
}

TEST_F(SqlitePayloadStoreTest, LetsNobodyElseRead) {
  const auto store = open(path_);
  ASSERT_TRUE(store->store(kKey, "{}"));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat found {};
    ASSERT_EQ(::stat((path_ + suffix).c_str(), &found), 0) << suffix;
    EXPECT_EQ(found.st_mode & 07777, 0600U) << suffix;
  }
}

TEST_F(SqlitePayloadStoreTest, RefusesEveryOtherKey) {
  const auto store = open(path_);
  for (const std::string& key : {std::string(), std::string("../../etc/passwd"),
                                 std::string("07AA468D-B464-4E75-BEFB-4C20E7C4193D")}) {
    EXPECT_FALSE(store->store(key, "{}"));
    EXPECT_FALSE(store->fetch(key));
    EXPECT_FALSE(store->exists(key));
    EXPECT_FALSE(store->remove(key));
  }
}

TEST_F(SqlitePayloadStoreTest, RefusesDatabasesOfOtherPrograms) {
  ASSERT_TRUE(database().execute("CREATE TABLE theirs (a)"));
  const auto refused = SqlitePayloadStore::open(path_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "cannot use " + path_ + ": it is an SQLite database of another program");
  EXPECT_EQ(**database().integer("SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(SqlitePayloadStoreTest, RefusesFilesThatAreNoDatabases) {
  const std::string text(5000, 'x');
  test::write_file(path_, text);
  EXPECT_FALSE(SqlitePayloadStore::open(path_));
  EXPECT_EQ(test::read_file(path_), text);
  EXPECT_FALSE(SqlitePayloadStore::open(folder_.file("no/such/folder.db")));
}

TEST_F(SqlitePayloadStoreTest, RefusesSchemasOfLaterVersions) {
  ASSERT_TRUE(open(path_)->store(kKey, "{}"));
  ASSERT_TRUE(database().execute("PRAGMA user_version = 2"));
  const auto refused = SqlitePayloadStore::open(path_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("version 2, this program knows version 1"));
}

TEST_F(SqlitePayloadStoreTest, KeepsTheOldValueWhenTheNewOneFindsNoRoom) {
  const auto store = open(path_);
  ASSERT_TRUE(store->store(kKey, "\"old\""));
  {
    const FileSizeLimit limit(200'000);
    const auto full = store->store(kKey, "\"" + std::string(1'000'000, 'x') + "\"");
    ASSERT_FALSE(full);
    EXPECT_THAT(full.error().message, HasSubstr(path_));
    EXPECT_THAT(full.error().message, testing::Not(HasSubstr("xxx")));
  }
  EXPECT_EQ(*store->fetch(kKey), "\"old\"");
  ASSERT_TRUE(store->store(kKey, "\"new\""));
  EXPECT_EQ(*store->fetch(kKey), "\"new\"");
}

}  // namespace
}  // namespace patient_http::payload
