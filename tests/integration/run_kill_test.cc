// A run that is killed again and again loses nothing, doubles nothing, and pays for nothing twice.

#include <signal.h>

#include <filesystem>
#include <random>
#include <set>

#include "drivers/sqlite/database.h"
#include "integration/run_fixture.h"
#include "support/slow_server.h"
#include "support/test_certificate.h"

namespace patient_http {
namespace {

using test::Program;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kRequests = 2'000;
#else
constexpr std::size_t kRequests = 20'000;
#endif
constexpr std::size_t kKills = 10;

class RunKillTest : public RunFixture {
 protected:
  // The ids of requests whose result is in the state or in the output.
  [[nodiscard]] std::set<std::string> stored_results() const {
    std::set<std::string> ids;
    if (!std::filesystem::exists(state_)) return ids;
    auto database = sqlite::Database::open({.path = state_});
    EXPECT_TRUE(database.has_value());
    auto rows = database->statement(
        "SELECT bytes FROM payloads WHERE job IN "
        "(SELECT job FROM callbacks_ready UNION SELECT job FROM callbacks_running)");
    for (auto row = rows.step(); row && *row; row = rows.step()) {
      const Json job = Json::parse(rows.text(0)).value();
      ids.insert(*(*job.find("args")->if_array())[0].find("request_id")->if_string());
    }
    const auto noted = database->integer(
        "SELECT CAST(value AS INTEGER) FROM notes WHERE key = 'run.output_length'");
    const std::string output =
        test::read_file(output_).substr(0, static_cast<std::size_t>((*noted).value_or(0)));
    for (const std::string& line : test::lines_of(output)) {
      ids.insert(*Json::parse(line)->find("request_id")->if_string());
    }
    return ids;
  }
};

TEST_F(RunKillTest, SurvivesTenKillsWithEveryIdOnceAndNothingPaidForTwice) {
  const std::string log = folder_.file("requests.log");
  test::SlowServer server({.tls = true,
                           .delay = std::chrono::milliseconds(20),
                           .jitter = std::chrono::milliseconds(200),
                           .log_file = log});
  std::string input;
  for (std::size_t i = 1; i <= kRequests; ++i) {
    input += "{\"id\":" + std::to_string(i) + ",\"url\":\"" + server.url() + "/" +
             std::to_string(i) + "\"}\n";
  }
  test::write_file(input_, input);
  const std::vector<std::string> arguments = {
      "run",           input_, "--output",  output_,
      "--concurrency", "500",  "--ca-file", test::TestCertificate::get().ca_file};
  std::mt19937 random(20261124);
  // For each kill: how many requests the server had got, and which results were stored.
  std::vector<std::pair<std::size_t, std::set<std::string>>> kills;

  for (std::size_t kill = 0; kill < kKills; ++kill) {
    // At a moment that has nothing to do with the program's own steps: after so many requests more.
    const std::size_t before = test::lines_of(test::read_file(log)).size();
    const std::size_t more =
        std::uniform_int_distribution<std::size_t>(1, kRequests / kKills)(random);
    Program program("patient-http", arguments);
    ASSERT_TRUE(test::wait_until([&] {
      return program.has_ended() || test::lines_of(test::read_file(log)).size() >= before + more;
    }));
    program.signal(SIGKILL);
    program.wait();
    auto stored = stored_results();
    kills.emplace_back(test::lines_of(test::read_file(log)).size(), std::move(stored));
  }
  Program last("patient-http", arguments);
  EXPECT_EQ(last.wait(), 0) << last.errors();

  const auto results = this->results();
  ASSERT_EQ(results.size(), kRequests);
  for (std::size_t i = 1; i <= kRequests; ++i)
    EXPECT_TRUE(results.contains(std::to_string(i))) << i;
  const std::vector<std::string> sent = test::lines_of(test::read_file(log));
  for (const auto& [position, stored] : kills) {
    for (std::size_t i = position; i < sent.size(); ++i) {
      const std::string id = sent[i].substr(0, sent[i].find(' '));
      EXPECT_FALSE(stored.contains(id)) << "sent again after its result was stored: " << id;
    }
  }
  EXPECT_GT(kills.back().second.size(), 0U) << "the kills came before anything was stored";
  EXPECT_LE(sent.size(), kRequests + kKills * 500) << "more was sent twice than was in flight";
}

}  // namespace
}  // namespace patient_http
