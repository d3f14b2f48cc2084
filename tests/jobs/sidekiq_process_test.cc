#include "jobs/sidekiq_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <mutex>
#include <stdexcept>

#include "jobs/process_name.h"
#include "jobs/redis_store_fixture.h"
#include "patient_http/json.h"
#include "support/program.h"
#include "support/redis_proxy.h"
#include "version.h"

namespace patient_http::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;

class SidekiqProcessTest : public testing::Test {
 protected:
  SidekiqProcessTest() {
    server().command({"FLUSHALL"});
    options_.url = server().url();
    options_.on_sidekiq_signal = [this](int signal) { signals_.push_back(signal); };
  }

  std::unique_ptr<SidekiqProcess> make() {
    return std::make_unique<SidekiqProcess>(
        options_, 100, [this] { return health_; }, Log([this](LogLevel, std::string_view message) {
          const std::lock_guard lock(mutex_);
          log_ += std::string(message) + "\n";
        }));
  }
  static std::map<std::string, std::string> fields_of(const SidekiqProcess& process) {
    std::map<std::string, std::string> fields;
    const auto all = list({"HGETALL", process.identity()});
    for (std::size_t i = 0; i + 1 < all.size(); i += 2) fields[all[i]] = all[i + 1];
    return fields;
  }
  // As Sidekiq's page does it.
  static void ask(const SidekiqProcess& process, const std::string& signal) {
    server().command({"LPUSH", process.identity() + "-signals", signal});
    server().command({"EXPIRE", process.identity() + "-signals", "60"});
  }
  std::string log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  RedisOptions options_;
  ProcessHealth health_;
  std::vector<int> signals_;

 private:
  std::mutex mutex_;
  std::string log_;
};

TEST_F(SidekiqProcessTest, WritesAllThatSidekiqReads) {
  options_.queues = {{"a", 2}, {"b", 1}};
  health_.in_flight = 17;
  const auto process = make();
  EXPECT_FALSE(process->beat());

  EXPECT_THAT(process->identity(), MatchesRegex(".+:[0-9]+:[0-9a-f]{12}"));
  EXPECT_THAT(list({"SMEMBERS", "processes"}), ElementsAre(process->identity()));
  const auto ttl = integer({"TTL", process->identity()});
  EXPECT_TRUE(ttl == 60 || ttl == 59) << ttl;
  auto fields = fields_of(*process);
  EXPECT_EQ(fields["concurrency"], "100");
  EXPECT_EQ(fields["busy"], "17");
  EXPECT_EQ(fields["quiet"], "false");
  EXPECT_GT(std::stoll(fields["rss"]), 1000);
  EXPECT_GT(std::stoll(fields["rtt_us"]), 0);
  EXPECT_THAT(fields["beat"], MatchesRegex("[0-9]{10}\\.[0-9]{3}"));
  auto info = Json::parse(fields["info"]).value();
  EXPECT_THAT(std::string(info.find("started_at")->number_text()), HasSubstr("."));
  EXPECT_NEAR(info.find("started_at")->to_double().value(), std::stod(fields["beat"]), 60);
  info.set("started_at", Json());
  EXPECT_EQ(
      info.dump(),
      R"({"hostname":")" + host_name() + R"(","started_at":null,"pid":)" +
          std::to_string(::getpid()) +
          R"(,"tag":"","concurrency":100,"queues":["a","b"],"weights":[{"a":2,"b":1}],)"
          R"("capsules":{"default":{"concurrency":100,"mode":"weighted","weights":{"a":2,"b":1}}},)"
          R"("labels":["patient-http"],"identity":")" +
          process->identity() + R"(","version":"patient-http-)" + kVersion +
          R"(","embedded":false})");
}

TEST_F(SidekiqProcessTest, ShowsWhoIsQuietOrStopsAsQuiet) {
  const auto process = make();
  for (const auto state : {ProcessHealth::State::kQuiet, ProcessHealth::State::kStopping}) {
    health_.state = state;
    process->beat();
    EXPECT_EQ(fields_of(*process)["quiet"], "true");
  }
}

TEST_F(SidekiqProcessTest, TakesOneSignalWithEachBeat) {
  const auto process = make();
  for (const char* signal : {"TTIN", "TSTP", "HUP", "TERM"}) ask(*process, signal);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(process->beat());
  EXPECT_FALSE(process->beat());
  EXPECT_THAT(signals_, ElementsAre(SIGTTIN, SIGTSTP, SIGTERM));
  EXPECT_THAT(log(), HasSubstr("something unknown was asked"));
}

// A second TERM would put back what is in flight, a third one end the process.
TEST_F(SidekiqProcessTest, StopsOnceHoweverOftenTheButtonIsPressed) {
  const auto process = make();
  health_.state = ProcessHealth::State::kStopping;
  ask(*process, "TERM");
  ask(*process, "TTIN");
  process->beat();
  process->beat();
  EXPECT_THAT(signals_, ElementsAre(SIGTTIN));
}

TEST_F(SidekiqProcessTest, SaysThatNobodyTakesItsSignals) {
  options_.on_sidekiq_signal = nullptr;
  const auto process = make();
  ask(*process, "TERM");
  EXPECT_TRUE(process->beat());
  EXPECT_THAT(fields_of(*process)["info"], HasSubstr(R"("embedded":true)"));
  EXPECT_THAT(log(), HasSubstr("TERM was asked of this process on Sidekiq's page, and nothing"));
}

TEST_F(SidekiqProcessTest, OutlivesWhatTheUsersFunctionThrows) {
  options_.on_sidekiq_signal = [](int) { throw std::runtime_error("no, thanks"); };
  const auto process = make();
  ask(*process, "TSTP");
  EXPECT_TRUE(process->beat());
  EXPECT_THAT(log(), HasSubstr("on_sidekiq_signal failed: std::runtime_error: no, thanks"));
}

TEST_F(SidekiqProcessTest, AKeyOfAnotherTypeFailsTheBeatBeforeAnythingIsWritten) {
  const auto process = make();
  for (const std::string& key :
       {std::string("processes"), process->identity(), process->identity() + "-signals"}) {
    server().command({"FLUSHALL"});
    server().command({"ZADD", key, "1", "no"});
    EXPECT_FALSE(process->beat());
    EXPECT_THAT(list({"KEYS", "*"}), ElementsAre(key));
  }
  EXPECT_THAT(log(), HasSubstr("register as a Sidekiq process: sidekiq_beat on "));
  EXPECT_THAT(log(), HasSubstr("processes holds a zset, not a set"));
}

TEST_F(SidekiqProcessTest, SaysOnceThatItFailsAndRegistersAgain) {
  test::RedisProxy proxy(server());
  options_.url = proxy.url();
  const auto process = make();
  process->beat();
  proxy.refuse();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(process->beat());
  const std::string failed = log();
  EXPECT_EQ(failed.find("it is tried again"), failed.rfind("it is tried again"));
  server().command({"FLUSHALL"});
  proxy.pass();
  ASSERT_TRUE(test::wait_until([&] {
    process->beat();
    return integer({"SCARD", "processes"}) == 1;
  }));
  EXPECT_EQ(log().substr(failed.size()),
            "registered as the Sidekiq process " + process->identity() + "\n");
}

TEST_F(SidekiqProcessTest, LeavesNothingBehind) {
  const auto process = make();
  process->start();
  ASSERT_TRUE(test::wait_until([&] { return integer({"SCARD", "processes"}) == 1; }));
  ask(*process, "TSTP");
  server().command({"HSET", process->identity() + ":work", "1", "{}"});
  process->stop();
  EXPECT_THAT(list({"KEYS", "*"}), IsEmpty());
  EXPECT_THAT(log(), Not(HasSubstr("leave")));
}

}  // namespace
}  // namespace patient_http::jobs
