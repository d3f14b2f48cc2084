#include "patient_http/secret_sources.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include "support/temporary_folder.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;

void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::string failure_of(const SecretFunction& function) {
  try {
    return "no failure: " + function().value_or("");
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST(SecretFromEnvironmentTest, ReadsTheVariableWhenItIsNeeded) {
  const SecretFunction secret = secret_from_environment("PATIENT_HTTP_TEST_SECRET");
  ::unsetenv("PATIENT_HTTP_TEST_SECRET");
  EXPECT_EQ(failure_of(secret), "the environment variable PATIENT_HTTP_TEST_SECRET is not set");
  ::setenv("PATIENT_HTTP_TEST_SECRET", "one", 1);
  EXPECT_EQ(secret(), "one");
  ::setenv("PATIENT_HTTP_TEST_SECRET", "", 1);
  EXPECT_EQ(secret(), "");
  ::unsetenv("PATIENT_HTTP_TEST_SECRET");
}

class SecretFromFileTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "secret";
  const SecretFunction secret_ = secret_from_file(path_.string());
};

TEST_F(SecretFromFileTest, ReadsTheContentWithoutOneLineBreak) {
  for (const auto& [content, value] :
       std::vector<std::pair<std::string, std::string>>{{"abc", "abc"},
                                                        {"abcd\n", "abcd"},
                                                        {"abcde\r\n", "abcde"},
                                                        {"abcd\n\n\n", "abcd\n\n"},
                                                        {"", ""},
                                                        {"\n", ""}}) {
    write_file(path_, content);
    EXPECT_EQ(secret_from_file(path_.string())(), value);
  }
}

TEST_F(SecretFromFileTest, ReadsItAgainWhenItHasChanged) {
  write_file(path_, "first");
  EXPECT_EQ(secret_(), "first");
  write_file(path_, "longer");  // another size
  EXPECT_EQ(secret_(), "longer");
  write_file(folder_.path() / "new", "others");  // another file of the same size
  std::filesystem::rename(folder_.path() / "new", path_);
  EXPECT_EQ(secret_(), "others");
  write_file(path_, "rotate");  // the same file and size at another time
  std::filesystem::last_write_time(path_, std::filesystem::file_time_type::clock::now() + 5s);
  EXPECT_EQ(secret_(), "rotate");
}

TEST_F(SecretFromFileTest, DoesNotReadItAgainOtherwise) {
  write_file(path_, "first");
  const auto time = std::filesystem::last_write_time(path_);
  EXPECT_EQ(secret_(), "first");
  write_file(path_, "other");
  std::filesystem::last_write_time(path_, time);
  EXPECT_EQ(secret_(), "first");
}

TEST_F(SecretFromFileTest, NamesOnlyThePathWhenItFails) {
  EXPECT_EQ(failure_of(secret_),
            "cannot read the file " + path_.string() + ": No such file or directory");
  write_file(path_, "kept secret");
  EXPECT_EQ(secret_(), "kept secret");
  std::filesystem::remove(path_);
  EXPECT_EQ(failure_of(secret_),
            "cannot read the file " + path_.string() + ": No such file or directory");
  std::filesystem::create_directory(path_);
  EXPECT_EQ(failure_of(secret_),
            "cannot read the file " + path_.string() + ": it is no regular file");
}

TEST_F(SecretFromFileTest, DoesNotWaitForAPipe) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(failure_of(secret_),
            "cannot read the file " + path_.string() + ": it is no regular file");
}

TEST_F(SecretFromFileTest, ReadsUpTo64KiB) {
  write_file(path_, std::string(64 * 1024, 'x'));
  EXPECT_EQ(secret_(), std::string(64 * 1024, 'x'));
  write_file(path_, std::string(64 * 1024 + 1, 'x'));
  EXPECT_EQ(failure_of(secret_),
            "cannot read the file " + path_.string() + ": it is larger than 64 KiB");
}

TEST(SecretFromCommandTest, TakesTheOutputWithoutOneLineBreak) {
  EXPECT_EQ(secret_from_command("echo out; echo hidden >/dev/null")(), "out");
  EXPECT_EQ(secret_from_command("printf 'a b\\n\\n'")(), "a b\n");
  EXPECT_EQ(secret_from_command("true")(), "");
  EXPECT_EQ(secret_from_command("cat")(), "");  // nothing to read
}

TEST(SecretFromCommandTest, TakesTheFirst64KiB) {
  const auto output = secret_from_command("head -c 1000000 /dev/zero | tr '\\0' x")();
  EXPECT_EQ(output, std::string(64 * 1024, 'x'));
}

TEST(SecretFromCommandTest, RemembersTheOutputForItsLifetime) {
  test::TemporaryFolder folder;
  const std::string command = "echo x >>" + (folder.path() / "runs").string() + "; wc -l <" +
                              (folder.path() / "runs").string();
  const SecretFunction kept = secret_from_command(command);
  const SecretFunction copy = kept;
  EXPECT_EQ(kept(), "1");
  EXPECT_EQ(copy(), "1");
  const SecretFunction fresh = secret_from_command(command, {.lifetime = 0s});
  EXPECT_EQ(fresh(), "2");
  EXPECT_EQ(fresh(), "3");
}

TEST(SecretFromCommandTest, RunsOnceForThoseThatNeedItAtTheSameTime) {
  test::TemporaryFolder folder;
  const std::string runs = (folder.path() / "runs").string();
  const SecretFunction secret = secret_from_command("echo x >>" + runs + "; wc -l <" + runs);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_EQ(secret(), "1"); });
  for (std::thread& thread : threads) thread.join();
}

// Each of those that waited ran a command that hangs anew, one after the other.
TEST(SecretFromCommandTest, FailsOnceForThoseThatNeedItAtTheSameTime) {
  constexpr std::ptrdiff_t kThreads = 8;
  const SecretFunction secret = secret_from_command("sleep 1000", {.time_limit = 500ms});
  const auto start = std::chrono::steady_clock::now();
  std::latch all_there(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      all_there.arrive_and_wait();
      EXPECT_EQ(failure_of(secret), "the command did not end in time, and was killed");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 500ms * kThreads / 2);
}

TEST(SecretFromCommandTest, ShowsNoOutputWhenItFails) {
  const SecretFunction secret = secret_from_command("echo hidden; exit 3");
  EXPECT_EQ(failure_of(secret), "the command ended with status 3");
  EXPECT_EQ(failure_of(secret), "the command ended with status 3");
  EXPECT_EQ(failure_of(secret_from_command("echo hidden; kill -9 $$")),
            "the command was ended by signal 9");
  EXPECT_EQ(failure_of(secret_from_command("/does/not/exist 2>/dev/null")),
            "the command ended with status 127");
}

TEST(SecretFromCommandTest, KillsTheWholeGroupThatDoesNotEndInTime) {
  test::TemporaryFolder folder;
  const std::string pid_file = (folder.path() / "pid").string();
  ASSERT_EQ(::mkfifo(pid_file.c_str(), 0600), 0);
  const int pids = ::open(pid_file.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(pids, 0);
  const SecretFunction secret = secret_from_command(
      "sleep 1000 & echo $! >" + pid_file + "; echo hidden; wait", {.time_limit = 500ms});
  EXPECT_EQ(failure_of(secret), "the command did not end in time, and was killed");
  char text[32] = {};
  ASSERT_GT(::read(pids, text, sizeof text - 1), 0);
  ::close(pids);
  const int sleeper = std::atoi(text);
  ASSERT_GT(sleeper, 1);
  // It is gone as soon as somebody has waited for it; until then it is a zombie.
  for (;;) {
    std::ifstream status("/proc/" + std::to_string(sleeper) + "/stat");
    std::string pid, name, state;
    if (!(status >> pid >> name >> state) || state == "Z" || state == "X") break;
    std::this_thread::yield();
  }
}

TEST(SecretFromCommandTest, DoesNotWaitForWhatTheCommandLeavesBehind) {
  // It holds the pipe, and is no part of what counts.
  const SecretFunction secret = secret_from_command("sleep 3 & echo out");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(secret(), "out");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
}

}  // namespace
}  // namespace patient_http
