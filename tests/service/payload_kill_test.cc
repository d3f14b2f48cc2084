// What kill -9 leaves: no callback is missing, no reference dangles, nothing is left behind.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "service/payload_fixture.h"
#include "support/program.h"

namespace patient_http {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PayloadKillTest : public test::PayloadFixture {
 protected:
  [[nodiscard]] test::Program start(int first, int count) {
    return test::Program("service_victim",
                         {database_path(), folder_.file("payloads"), server_.url("/echo"),
                          std::to_string(first), std::to_string(count), folder_.file("log")});
  }
  // Without what was half written when its writer was killed: that goes at an opening an hour
  // later.
  [[nodiscard]] std::vector<std::string> whole_files() const {
    std::vector<std::string> found = files();
    std::erase_if(found, [](const std::string& path) { return path.ends_with(".tmp"); });
    return found;
  }
  [[nodiscard]] std::set<std::string> logged() const {
    if (!std::filesystem::exists(folder_.file("log"))) return {};
    const auto lines = test::lines_of(test::read_file(folder_.file("log")));
    return {lines.begin(), lines.end()};
  }
};

TEST_F(PayloadKillTest, LosesNoCallbackAndLeavesNoPayload) {
  constexpr int kKills = 8;
  constexpr int kRequests = 20;  // of each start
  std::string errors;
  for (int kill = 0; kill < kKills; ++kill) {
    test::Program victim = start(kill * kRequests, kRequests);
    // Each time a little further on its way: submitting, sending, calling back, sweeping.
    const std::size_t before = server_.requests().size();
    const std::size_t far = static_cast<std::size_t>(kill) * 5 / 2;
    ASSERT_TRUE(eventually([&] { return server_.requests().size() >= before + far; }));
    victim.signal(SIGKILL);
    victim.wait();
    errors += victim.errors();
  }
  // What was submitted before a kill and is not known may be submitted again under its id.
  test::Program last = start(0, kKills * kRequests);
  ASSERT_TRUE(eventually([&] {
    let_time_pass();
    return last.has_ended();
  })) << last.errors();
  EXPECT_EQ(last.wait(), 0) << last.errors();
  errors += last.errors();
  EXPECT_THAT(errors, Not(HasSubstr("not found")));
  const auto ids = logged();
  for (int id = 0; id < kKills * kRequests; ++id) {
    EXPECT_TRUE(ids.contains(std::to_string(id))) << id;
  }
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kKills * kRequests));
  EXPECT_EQ(sql("SELECT count(*) FROM dead"), 0);
  EXPECT_THAT(whole_files(), IsEmpty());
  EXPECT_EQ(unswept(), 0);
}

}  // namespace
}  // namespace patient_http
