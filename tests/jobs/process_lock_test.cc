#include "jobs/process_lock.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/temporary_folder.h"

namespace patient_http::jobs {
namespace {

class ProcessLockTest : public testing::Test {
 protected:
  ProcessLock create() {
    auto lock = ProcessLock::create(database_);
    if (!lock) throw std::runtime_error(lock.error().message);
    return std::move(*lock);
  }
  bool is_dead(const std::string& token) {
    const auto lock = ProcessLock::take_if_dead(database_, token);
    if (!lock) throw std::runtime_error(lock.error().message);
    return lock->has_value();
  }
  std::string path_of(const std::string& token) {
    return database_ + ".process-" + token + ".lock";
  }

  test::TemporaryFolder folder_;
  const std::string database_ = folder_.file("jobs.db");
};

TEST_F(ProcessLockTest, IsSeenFromTheSameProcessAndEndsWithItsOwner) {
  std::string token;
  {
    const ProcessLock lock = create();
    token = lock.token();
    EXPECT_FALSE(is_dead(token));
    struct stat status {};
    ASSERT_EQ(::stat(path_of(token).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
  }
  EXPECT_TRUE(is_dead(token));
  EXPECT_TRUE(std::filesystem::exists(path_of(token)));
}

TEST_F(ProcessLockTest, ProcessWithoutAFileIsDead) {
  EXPECT_TRUE(is_dead("0123456789abcdef"));
}

TEST_F(ProcessLockTest, OnlyOneRescuerGetsTheLockOfTheDead) {
  const std::string token = create().token();
  auto rescuer = ProcessLock::take_if_dead(database_, token);
  ASSERT_TRUE(rescuer && rescuer->has_value());
  EXPECT_FALSE(is_dead(token));
  (*rescuer)->remove_file();
  EXPECT_FALSE(std::filesystem::exists(path_of(token)));
}

TEST_F(ProcessLockTest, RemovesOnlyStraysOfTheDead) {
  const ProcessLock alive = create();
  const std::string registered = create().token();
  const std::string stray = create().token();
  std::ofstream(folder_.file("other.db.process-0123456789abcdef.lock"));
  ProcessLock::remove_strays(database_, {registered});
  EXPECT_TRUE(std::filesystem::exists(path_of(alive.token())));
  EXPECT_TRUE(std::filesystem::exists(path_of(registered)));
  EXPECT_FALSE(std::filesystem::exists(path_of(stray)));
  EXPECT_TRUE(std::filesystem::exists(folder_.file("other.db.process-0123456789abcdef.lock")));
}

TEST_F(ProcessLockTest, RestoresAFileThatSomebodyRemoved) {
  ProcessLock lock = create();
  ASSERT_TRUE(lock.restore());
  std::filesystem::remove(path_of(lock.token()));
  EXPECT_TRUE(is_dead(lock.token()));
  ASSERT_TRUE(lock.restore());
  EXPECT_FALSE(is_dead(lock.token()));
}

// Whoever clears away strays may meet a file between its making and its locking.
TEST_F(ProcessLockTest, CreatingWinsAgainstOthersThatClearAway) {
  std::atomic<bool> is_done = false;
  std::thread cleaner([&] {
    while (!is_done) ProcessLock::remove_strays(database_, {});
  });
  for (int i = 0; i < 300; ++i) {
    const ProcessLock lock = create();
    EXPECT_FALSE(is_dead(lock.token()));
  }
  is_done = true;
  cleaner.join();
}

}  // namespace
}  // namespace patient_http::jobs
