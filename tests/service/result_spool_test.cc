// A stop while the store is down: results that came are not requested again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/text.h"
#include "patient_http/file_payload_store.h"
#include "service/faulty_store.h"
#include "service/parts_fixture.h"
#include "support/program.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::FaultyStore;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SpooledResultTest : public test::PartsFixture {
 protected:
  [[nodiscard]] Configuration spooling() {
    Configuration configured = parts_configuration();
    configured.store_patience = 0ms;
    configured.state_directory = folder_.file("state");
    return configured;
  }
  // Carries out requests for "/x" while results are refused, and stops.
  void stop_with_the_store_down(Configuration configured, bool refuses_payloads = false) {
    auto store = std::make_unique<FaultyStore>(join());
    FaultyStore& faulty = *store;
    const auto parts = ServiceParts::with_store(std::move(configured), std::move(store));
    push_request(faulty, "a", "/x");
    push_request(faulty, "b", "/x");
    faulty.refuses_results = !refuses_payloads;
    faulty.refuses_payloads = refuses_payloads;
    parts->start();
    ASSERT_TRUE(server_.wait_for_requests("/x", 2));
    ASSERT_TRUE(parts->processor().status().occupied > 0);
    ASSERT_TRUE(test::wait_until([&] { return faulty.refused_results > 0; }));
    parts->stop(1s);
    undelivered_ = parts->undelivered();
    kept_claims_ = faulty.kept_claims;
  }
  [[nodiscard]] std::vector<std::string> spool_files() const {
    std::vector<std::string> paths;
    if (!std::filesystem::exists(folder_.file("state"))) return paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.file("state")))
      paths.push_back(entry.path());
    return paths;
  }

  std::size_t undelivered_ = 0;
  int kept_claims_ = 0;
};

TEST_F(SpooledResultTest, IsHandedOverByTheNextStartOnce) {
  server_.answer("/x", 200, "paid for");
  stop_with_the_store_down(spooling());
  EXPECT_EQ(undelivered_, 0U);
  EXPECT_EQ(kept_claims_, 1) << "the store knows that there is more to come";
  EXPECT_EQ(spool_files().size(), 1U);
  EXPECT_THAT(log_.text(), HasSubstr("2 results are spooled in"));

  const auto parts = open_parts(spooling());
  parts->start();
  const auto found = callbacks(*parts, 2);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(std::get<Response>(found[0].outcome).body(), "paid for");
  EXPECT_THAT(spool_files(), IsEmpty());
  EXPECT_EQ(server_.requests().size(), 2U);
  EXPECT_EQ(parts->status()->jobs.in_flight + parts->status()->jobs.ready, 0);
  EXPECT_EQ(parts->store().statistics()->requests, 2);
}

TEST_F(SpooledResultTest, IsHandedOverByTheSameServiceWhenItStartsAgain) {
  auto store = std::make_unique<FaultyStore>(join());
  FaultyStore& faulty = *store;
  const auto parts = ServiceParts::with_store(spooling(), std::move(store));
  push_request(faulty, "a", "/");
  faulty.refuses_results = true;
  parts->start();
  ASSERT_TRUE(test::wait_until([&] { return faulty.refused_results > 0; }));
  parts->stop(1s);
  faulty.refuses_results = false;
  parts->start();
  EXPECT_EQ(callbacks(*parts, 1).size(), 1U);
  EXPECT_EQ(server_.requests().size(), 1U);
  EXPECT_THAT(spool_files(), IsEmpty());
}

TEST_F(SpooledResultTest, IsDroppedWhenItsClaimWasRescued) {
  stop_with_the_store_down(spooling());
  EXPECT_EQ(join()->rescue(std::chrono::system_clock::now()), 2);
  const auto parts = open_parts(spooling());
  parts->start();
  EXPECT_EQ(callbacks(*parts, 2).size(), 2U);
  EXPECT_EQ(server_.requests().size(), 4U);
  EXPECT_THAT(spool_files(), IsEmpty());
  EXPECT_EQ(parts->status()->jobs.callbacks_waiting, 0);
}

TEST_F(SpooledResultTest, IsEncryptedWhenAKeyIsSet) {
  server_.answer("/x", 200, "a secret body");
  Configuration configured = spooling();
  configured.encryption.keys = {"a key"};
  stop_with_the_store_down(configured);
  ASSERT_EQ(spool_files().size(), 1U);
  const auto lines = test::lines_of(test::read_file(spool_files().front()));
  ASSERT_EQ(lines.size(), 3U);
  const auto line = Json::parse(lines[1]).value();
  const auto job = base::base64_decode(*line.find("callback")->if_string()).value();
  EXPECT_THAT(job, HasSubstr("__encrypted__"));
  EXPECT_THAT(job, Not(HasSubstr("a secret body")));

  const auto parts = open_parts(configured);
  parts->start();
  EXPECT_EQ(std::get<Response>(callbacks(*parts, 2).at(0).outcome).body(), "a secret body");
}

// Storing a large payload needs the store, too: it stays in the result.
TEST_F(SpooledResultTest, HoldsItsPayloadWhenThatCannotBeAnnounced) {
  server_.answer("/x", 200, std::string(2000, 'x'));
  Configuration configured = spooling();
  configured.payloads.threshold = 500;
  configured.register_payload_store("files",
                                    FilePayloadStore::open(folder_.file("payloads")).value());
  stop_with_the_store_down(configured, true);
  EXPECT_EQ(undelivered_, 0U);
  const auto parts = open_parts(configured);
  parts->start();
  EXPECT_EQ(std::get<Response>(callbacks(*parts, 2).at(0).outcome).body(), std::string(2000, 'x'));
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(SpooledResultTest, IsRequestedAgainWithoutAStateDirectory) {
  Configuration configured = spooling();
  configured.state_directory.clear();
  stop_with_the_store_down(configured);
  EXPECT_EQ(undelivered_, 2U);
  EXPECT_EQ(kept_claims_, 0);
  EXPECT_THAT(log_.text(), HasSubstr("whoever rescues them sends the requests again"));
  const auto parts = open_parts(configured);
  parts->start();
  EXPECT_EQ(callbacks(*parts, 2).size(), 2U);
  EXPECT_EQ(server_.requests().size(), 4U);
}

}  // namespace
}  // namespace patient_http
