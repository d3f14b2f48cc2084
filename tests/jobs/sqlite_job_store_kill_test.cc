// What was acknowledged stands after kill -9, at whatever moment: real processes are killed while
// they work on one file (store_victim.cc).

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <set>
#include <sstream>

#include "drivers/sqlite/database.h"
#include "jobs/job_store_conformance.h"
#include "jobs/sqlite_job_store.h"
#include "support/checkout.h"
#include "support/temporary_folder.h"

extern char** environ;

namespace patient_http::jobs {
namespace {

using conformance::must;

class VictimProcess {
 public:
  VictimProcess(const std::string& path, int seed) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = PATIENT_HTTP_BUILD_DIR "/store_victim";
    std::string file = path;
    std::string number = std::to_string(seed);
    char* arguments[] = {program.data(), file.data(), number.data(), nullptr};
    const int code = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ends[0];
    if (code != 0) throw std::runtime_error("posix_spawn " + program);
  }
  ~VictimProcess() {
    kill();
    ::close(output_);
  }
  VictimProcess(const VictimProcess&) = delete;
  VictimProcess& operator=(const VictimProcess&) = delete;

  // Reads until it has acknowledged this many steps more. False: it has ended.
  bool read_lines(int count) {
    while (count > 0) {
      const std::size_t before = text_.size();
      if (!read_more()) return false;
      count -= static_cast<int>(
          std::count(text_.begin() + static_cast<std::ptrdiff_t>(before), text_.end(), '\n'));
    }
    return true;
  }

  // Kills it, and gives all that it acknowledged.
  std::vector<std::string> kill() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      while (read_more()) {
      }
      int status = 0;
      ::waitpid(pid_, &status, 0);
      pid_ = -1;
    }
    std::vector<std::string> lines;
    std::istringstream stream(text_);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }

 private:
  bool read_more() {
    char buffer[4096];
    const ssize_t got = ::read(output_, buffer, sizeof buffer);
    if (got <= 0) return false;
    text_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  pid_t pid_ = -1;
  int output_ = -1;
  std::string text_;
};

// What victims acknowledged, over all rounds.
struct Acknowledged {
  std::set<std::string> pushed;
  std::set<std::string> delivered;
  std::set<std::string> finished;

  void add(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
      const std::string jid = line.substr(line.find(' ') + 1);
      if (line.starts_with("pushed ")) pushed.insert(jid);
      // Nothing is delivered, or ended, twice.
      const bool is_second = (line.starts_with("delivered ") && !delivered.insert(jid).second) ||
                             (line.starts_with("finished ") && !finished.insert(jid).second);
      EXPECT_FALSE(is_second) << line;
    }
  }
};

std::multiset<std::string> jids_in(sqlite::Database& database, const std::string& from) {
  std::multiset<std::string> jids;
  sqlite::Statement statement =
      database.statement("SELECT jid FROM payloads WHERE job IN (" + from + ")");
  for (;;) {
    const auto row = statement.step();
    if (!row) throw std::runtime_error(row.error().message);
    if (!*row) return jids;
    jids.emplace(statement.text(0));
  }
}

void check_everything_stands(const std::string& path, const Acknowledged& acknowledged) {
  sqlite::OpenOptions options;
  options.path = path;
  auto database = sqlite::Database::open(options);
  ASSERT_TRUE(database);
  const std::string requests =
      "SELECT job FROM ready UNION ALL SELECT job FROM in_flight UNION ALL"
      " SELECT job FROM schedule UNION ALL SELECT job FROM dead";
  const std::string callbacks =
      "SELECT job FROM callbacks_ready UNION ALL SELECT job FROM callbacks_running";
  const std::string all = requests + " UNION ALL " + callbacks;
  EXPECT_EQ(**database->integer("SELECT count(*) FROM pragma_integrity_check"
                                " WHERE integrity_check = 'ok'"),
            1);
  // Each job in one state, and nothing without its bytes or its jid.
  const std::int64_t jobs = **database->integer("SELECT count(*) FROM payloads");
  EXPECT_EQ(**database->integer("SELECT count(*) FROM (" + all + ")"), jobs);
  EXPECT_EQ(**database->integer("SELECT count(DISTINCT job) FROM (" + all + ")"), jobs);
  EXPECT_EQ(**database->integer("SELECT count(*) FROM jids JOIN payloads USING (job)"
                                " WHERE jids.jid = payloads.jid"),
            jobs);
  EXPECT_EQ(**database->integer("SELECT count(*) FROM jids"), jobs);

  const auto waiting = jids_in(*database, requests);
  const auto delivered = jids_in(*database, callbacks);
  for (const std::string& jid : acknowledged.finished)
    EXPECT_EQ(waiting.count(jid) + delivered.count(jid), 0U) << jid << " was finished";
  for (const std::string& jid : acknowledged.delivered)
    EXPECT_EQ(waiting.count(jid), 0U) << jid << " was delivered";
}

// A delivery or an end that was committed, but whose acknowledgement was killed, may have removed
// one batch of each victim that was not acknowledged; everything else that was pushed is there.
void check_nothing_is_lost(const std::string& path, const Acknowledged& acknowledged,
                           std::size_t unacknowledged_ends) {
  sqlite::OpenOptions options;
  options.path = path;
  auto database = sqlite::Database::open(options);
  ASSERT_TRUE(database);
  const auto known = jids_in(*database, "SELECT job FROM payloads");
  std::size_t missing = 0;
  for (const std::string& jid : acknowledged.pushed)
    if (!known.contains(jid) && !acknowledged.finished.contains(jid)) ++missing;
  EXPECT_LE(missing, unacknowledged_ends);
}

TEST(SqliteJobStoreKillTest, EveryJobIsInOneStateAfterEveryKill) {
  constexpr int kRounds = 12;
  constexpr int kVictims = 2;
  constexpr std::size_t kMostCallbacksInABatch = 2;
  const test::TemporaryFolder folder;
  const std::string path = folder.file("jobs.db");
  std::mt19937 random(20261);
  Acknowledged acknowledged;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::unique_ptr<VictimProcess>> victims;
    for (int i = 0; i < kVictims; ++i)
      victims.push_back(std::make_unique<VictimProcess>(path, round * kVictims + i));
    for (auto& victim : victims)
      ASSERT_TRUE(victim->read_lines(5 + static_cast<int>(random() % 60)));
    for (auto& victim : victims) acknowledged.add(victim->kill());
    check_everything_stands(path, acknowledged);
    check_nothing_is_lost(
        path, acknowledged,
        static_cast<std::size_t>((round + 1) * kVictims) * kMostCallbacksInABatch);

    SqliteJobStoreOptions options;
    options.path = path;
    const auto store = must(SqliteJobStore::open(options));
    const JobCounts before = must(store->counts());
    EXPECT_EQ(must(store->rescue(std::chrono::system_clock::now())),
              before.in_flight + before.callbacks_running);
    const JobCounts after = must(store->counts());
    EXPECT_EQ(after.in_flight, 0);
    EXPECT_EQ(after.ready, before.ready + before.in_flight);
    EXPECT_EQ(after.callbacks_waiting, before.callbacks_waiting + before.callbacks_running);
    check_everything_stands(path, acknowledged);
  }
  EXPECT_GT(acknowledged.finished.size(), 0U);
}

// The lock of a process that lives is seen from another process.
TEST(SqliteJobStoreKillTest, LivingProcessIsNotRescuedAndIsNamedToWhoWantsTheFileAlone) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("jobs.db");
  VictimProcess victim(path, 1);
  ASSERT_TRUE(victim.read_lines(20));
  SqliteJobStoreOptions options;
  options.path = path;
  {
    const auto store = must(SqliteJobStore::open(options));
    EXPECT_EQ(must(store->rescue(std::chrono::system_clock::now())), 0);
  }
  options.is_exclusive = true;
  const auto refused = SqliteJobStore::open(options);
  ASSERT_FALSE(refused);
  const std::string name = victim.kill().front().substr(std::string("opened ").size());
  EXPECT_NE(refused.error().message.find(name), std::string::npos) << refused.error().message;
  EXPECT_TRUE(SqliteJobStore::open(options).has_value());
}

}  // namespace
}  // namespace patient_http::jobs
