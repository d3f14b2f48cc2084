// Replies of the store that get lost, and claims that others took: what the store says and what is
// in memory come together again without a restart.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "service/faulty_store.h"
#include "service/parts_fixture.h"
#include "support/program.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using jobs::Settled;
using test::FaultyStore;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class LostReplyTest : public test::PartsFixture {
 protected:
  void SetUp() override {
    auto store = std::make_unique<FaultyStore>(join());
    store_ = store.get();
    parts_ = ServiceParts::with_store(parts_configuration(), std::move(store));
  }

  void compare_now() {
    const int before = store_->comparisons;
    store_->refuses_claims = true;
    ASSERT_TRUE(test::wait_until([&] { return store_->comparisons >= before + 2; }));
  }
  // To others this process is dead, though it lives.
  void remove_lock_files() const {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      if (entry.path().extension() == ".lock") std::filesystem::remove(entry.path());
  }

  FaultyStore* store_ = nullptr;  // owned by parts_
  std::unique_ptr<ServiceParts> parts_;
};

TEST_F(LostReplyTest, JobsOfAClaimThatGotLostAreCarriedOutOnce) {
  for (const char* id : {"a", "b", "c"}) push_request(*store_, id, std::string("/") + id);
  store_->loses_claims = true;
  parts_->start();
  EXPECT_EQ(callbacks(*parts_, 3).size(), 3U);
  EXPECT_THAT(sent_paths(), UnorderedElementsAre("/a", "/b", "/c"));
  EXPECT_THAT(store_->releases(), ElementsAre(3));
  EXPECT_THAT(log_.text(), HasSubstr("3 jobs go back to the front of the queue"));
}

TEST_F(LostReplyTest, ResultOnItsWayIsNotPutBack) {
  push_request(*store_, "a", "/");
  store_->refuses_results = true;
  parts_->start();
  ASSERT_TRUE(test::wait_until([&] { return store_->refused_results > 0; }));
  compare_now();
  store_->refuses_claims = false;
  store_->refuses_results = false;
  EXPECT_EQ(callbacks(*parts_, 1).size(), 1U);
  EXPECT_EQ(server_.requests().size(), 1U);
  EXPECT_TRUE(store_->releases().empty());
}

TEST_F(LostReplyTest, RequestThatSomebodyRescuedIsCancelledAndItsOutcomeDropped) {
  std::atomic<int> closed{0};
  server_.on("/slow", [&](const ReceivedRequest&, ServerConnection& peer) {
    peer.wait_for_peer_to_close();
    ++closed;
  });
  push_request(*store_, "a", "/slow");
  parts_->start();
  ASSERT_TRUE(server_.wait_for_requests("/slow"));
  store_->refuses_claims = true;  // so that it does not claim the job itself

  remove_lock_files();
  const auto other = join();
  EXPECT_EQ(other->rescue(std::chrono::system_clock::now()), 1);
  const auto claims = other->claim(10).value();
  ASSERT_EQ(claims.size(), 1U);

  EXPECT_TRUE(test::wait_until([&] { return closed == 1; }));
  // It is logged after the cancelling, which closes the connection on another thread.
  EXPECT_TRUE(test::wait_until(
      [&] { return log_.text().find("1 requests in flight are cancelled") != std::string::npos; }));
  EXPECT_TRUE(parts_->processor().wait_until_idle(20s));
  EXPECT_EQ(parts_->status()->jobs.callbacks_waiting, 0);
  const std::vector<jobs::Completion> result = {{claims[0].id, "callback", "theirs", {}}};
  EXPECT_THAT(other->complete(result).value(), ElementsAre(Settled::kDone));
  store_->refuses_claims = false;
  parts_->stop(1s);
  EXPECT_EQ(parts_->status()->jobs.callbacks_waiting, 1);
  EXPECT_EQ(parts_->status()->jobs.in_flight + parts_->status()->jobs.ready, 0);
  EXPECT_EQ(parts_->undelivered(), 0U);
  EXPECT_EQ(parts_->store().statistics()->errors, 0);
}

// The store was read at a bad moment: nobody else has the job, so it must not end as cancelled.
TEST_F(LostReplyTest, RequestWhoseClaimIsThereAfterAllIsSentAgain) {
  std::atomic<int> requests{0};
  server_.on("/", [&](const ReceivedRequest&, ServerConnection& peer) {
    if (++requests == 1) return peer.wait_for_peer_to_close();
    peer.send(TestHttpServer::response(200, "second"));
  });
  push_request(*store_, "a", "/");
  parts_->start();
  ASSERT_TRUE(server_.wait_for_requests("/"));
  store_->hides_claims = true;
  compare_now();
  store_->refuses_claims = false;
  const auto found = callbacks(*parts_, 1);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(std::get<Response>(found[0].outcome).body(), "second");
}

TEST_F(LostReplyTest, StopReleasesWhatItInterruptsInOneStep) {
  server_.hang("/hang");
  for (int i = 0; i < 50; ++i) push_request(*store_, std::to_string(i), "/hang");
  parts_->start();
  ASSERT_TRUE(server_.wait_for_requests("/hang", 50));
  parts_->stop(0ms);
  EXPECT_THAT(store_->releases(), ElementsAre(50));
  EXPECT_EQ(parts_->status()->jobs.ready, 50);
}

}  // namespace
}  // namespace patient_http
