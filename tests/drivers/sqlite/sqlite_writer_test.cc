#include "drivers/sqlite/sqlite_writer.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/temporary_folder.h"

namespace patient_http::sqlite {
namespace {

class SqliteWriterTest : public testing::Test {
 protected:
  SqliteWriterTest() : writer_(open()) {
    EXPECT_TRUE(writer_.write([](Database& database) {
      return database.execute(
          "CREATE TABLE t (a INTEGER PRIMARY KEY);"
          "CREATE TABLE child (a REFERENCES t (a) DEFERRABLE INITIALLY DEFERRED)");
    }));
  }

  Database open() {
    OpenOptions options;
    options.path = folder_.file("writer.db");
    auto database = Database::open(options);
    if (!database) throw std::runtime_error(database.error().message);
    EXPECT_TRUE(database->execute("PRAGMA foreign_keys = ON"));
    return std::move(*database);
  }

  // Holds the writer thread until `gate` opens, so that what is submitted meanwhile is a group.
  std::thread hold(std::shared_future<void> gate) {
    std::promise<void> held;
    std::future<void> is_held = held.get_future();
    std::thread holder([this, gate, &held] {
      static_cast<void>(writer_.read([&](Database&) -> SqliteResult<void> {
        held.set_value();
        gate.wait();
        return {};
      }));
    });
    is_held.wait();
    return holder;
  }

  std::int64_t rows() {
    Database database = open();
    return database.integer("SELECT count(*) FROM t")->value_or(-1);
  }

  test::TemporaryFolder folder_;
  SqliteWriter writer_;
};

TEST_F(SqliteWriterTest, OperationThatFailsInAGroupIsUndoneAndFailsAlone) {
  std::promise<void> gate;
  std::thread holder = hold(gate.get_future().share());
  std::vector<SqliteResult<void>> results(6);
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < results.size(); ++i) {
    callers.emplace_back([this, i, &results] {
      results[i] = writer_.write([i](Database& database) -> SqliteResult<void> {
        auto done = database.run("INSERT INTO t VALUES (?)", i);
        if (done && i == 2) done = database.run("INSERT INTO t VALUES (?)", i);
        if (i == 4) throw std::runtime_error("a bug");
        return done;
      });
    });
  }
  while (writer_.waiting() < results.size()) std::this_thread::yield();
  gate.set_value();
  for (std::thread& caller : callers) caller.join();
  holder.join();
  for (std::size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i].has_value(), i != 2 && i != 4) << i;
  EXPECT_EQ(rows(), 4);
}

TEST_F(SqliteWriterTest, TransactionThatSqliteGivesUpFailsTheWholeGroup) {
  const auto done = writer_.write([](Database& database) -> SqliteResult<void> {
    EXPECT_TRUE(database.run("INSERT INTO t VALUES (1)"));
    return database.run("INSERT OR ROLLBACK INTO t VALUES (1)");
  });
  EXPECT_FALSE(done);
  EXPECT_EQ(rows(), 0);
  EXPECT_TRUE(
      writer_.write([](Database& database) { return database.run("INSERT INTO t VALUES (2)"); }));
  EXPECT_EQ(rows(), 1);
}

TEST_F(SqliteWriterTest, CommitThatFailsFailsTheWholeGroup) {
  std::promise<void> gate;
  std::thread holder = hold(gate.get_future().share());
  std::vector<SqliteResult<void>> results(2);
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < results.size(); ++i) {
    callers.emplace_back([this, i, &results] {
      results[i] = writer_.write([i](Database& database) {
        // A child without its parent is only noticed by COMMIT.
        return i == 0 ? database.run("INSERT INTO t VALUES (1)")
                      : database.run("INSERT INTO child VALUES (99)");
      });
    });
  }
  // Both must be in the queue before the writer looks at it.
  while (writer_.waiting() < results.size()) std::this_thread::yield();
  gate.set_value();
  for (std::thread& caller : callers) caller.join();
  holder.join();
  EXPECT_FALSE(results[0]);
  EXPECT_FALSE(results[1]);
  EXPECT_EQ(rows(), 0);
}

TEST_F(SqliteWriterTest, ReadThatThrowsFails) {
  EXPECT_FALSE(
      writer_.read([](Database&) -> SqliteResult<void> { throw std::runtime_error("a bug"); }));
  EXPECT_TRUE(writer_.read([](Database&) -> SqliteResult<void> { return {}; }));
}

TEST_F(SqliteWriterTest, RefusesWhatComesAfterStop) {
  writer_.stop();
  writer_.stop();
  const auto done = writer_.write([](Database&) -> SqliteResult<void> { return {}; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, SqliteFailure::Kind::kOther);
}

}  // namespace
}  // namespace patient_http::sqlite
