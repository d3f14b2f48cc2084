// Every file is whole after kill -9, at whatever moment: a real process is killed while it writes
// (payload_store_victim.cc).

#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <random>

#include "patient_http/file_payload_store.h"
#include "patient_http/json.h"
#include "support/program.h"
#include "support/temporary_folder.h"

namespace patient_http::payload {
namespace {

using Acknowledged = std::map<std::string, std::int64_t>;

void note(Acknowledged& acknowledged, const std::string& line) {
  const std::size_t space = line.find(' ');
  if (space != std::string::npos)
    acknowledged[line.substr(0, space)] = std::stoll(line.substr(space + 1));
}

// Lets it store `count` times and more, kills it, and notes what it said.
void run_victim(const std::string& directory, int seed, int count, Acknowledged& acknowledged) {
  test::Program victim("payload_store_victim", {directory, std::to_string(seed)},
                       {.pipes_output = true});
  for (int i = 0; i < count; ++i) note(acknowledged, victim.read_line());
  victim.signal(SIGKILL);
  EXPECT_EQ(victim.wait(), 1000 + SIGKILL);
  for (std::string line = victim.read_line(); !line.empty(); line = victim.read_line())
    note(acknowledged, line);
}

TEST(FilePayloadStoreKillTest, EveryFileIsWholeAfterEveryKill) {
  constexpr int kRounds = 25;
  const test::TemporaryFolder folder;
  std::mt19937 random(20262);
  Acknowledged acknowledged;
  for (int round = 1; round <= kRounds; ++round) {
    run_victim(folder.path().string(), round, 1 + static_cast<int>(random() % 20), acknowledged);
    const auto store = FilePayloadStore::open(folder.path().string());
    ASSERT_TRUE(store);
    for (const auto& [key, number] : acknowledged) {
      const auto data = (*store)->fetch(key);
      ASSERT_TRUE(data && *data) << key;
      const auto json = Json::parse(**data);
      ASSERT_TRUE(json) << key << " is not whole";
      // The last store may stand without having been acknowledged.
      EXPECT_GE(json->if_array()->front().to_int64(), number) << key;
    }
  }
  EXPECT_GT(acknowledged.size(), 0U);
}

}  // namespace
}  // namespace patient_http::payload
