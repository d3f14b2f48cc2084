// Requests and callbacks that may be what kills processes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "service/parts_fixture.h"
#include "support/program.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class PoisonTest : public test::PartsFixture {
 protected:
  // Answers when it is released.
  void make_slow(const std::string& path) {
    server_.on(path, [this](const ReceivedRequest&, ServerConnection& peer) {
      server_.wait_for_release();
      peer.send(TestHttpServer::response(200, "late"));
    });
  }
};

TEST_F(PoisonTest, SendsOneSuspectAtATimeBesideOrdinaryRequests) {
  make_slow("/first");
  push_request(*join(), "first", "/first");
  push_request(*join(), "second", "/second");
  let_processes_die(3);
  const auto parts = open_parts(parts_configuration());
  push_request(parts->store(), "ordinary", "/ordinary");
  parts->start();

  ASSERT_TRUE(server_.wait_for_requests("/first"));
  ASSERT_TRUE(server_.wait_for_requests("/ordinary"));
  EXPECT_EQ(callbacks(*parts, 1).at(0).jid, jobs::callback_jid("ordinary"));
  EXPECT_EQ(sql("SELECT count(*) FROM suspects JOIN in_flight USING (process, claim)"
                " JOIN payloads USING (job) WHERE jid = 'first'"),
            1);
  EXPECT_EQ(parts->status()->jobs.in_flight, 2);
  EXPECT_THAT(sent_paths(), UnorderedElementsAre("/first", "/ordinary"));
  server_.release();

  EXPECT_EQ(callbacks(*parts, 2).size(), 2U);
  EXPECT_EQ(server_.requests().size(), 3U);
  EXPECT_THAT(log_.text(), HasSubstr("job first was taken from 3 processes"));
}

TEST_F(PoisonTest, CondemnsASuspectWithWhichTwoProcessesDiedAndNobodyElse) {
  push_request(*join(), "killer", "/killer");
  push_request(*join(), "beside", "/beside");
  let_processes_die(1);
  let_processes_die(2, "killer");
  const auto parts = open_parts(parts_configuration());
  parts->start();

  std::map<std::string, jobs::CallbackJob> by_jid;
  for (auto& callback : callbacks(*parts, 2)) by_jid.emplace(callback.jid, std::move(callback));

  ASSERT_EQ(by_jid.size(), 2U);
  const auto& error = std::get<Error>(by_jid.at(jobs::callback_jid("killer")).outcome);
  EXPECT_EQ(error.kind(), ErrorKind::kPoison);
  EXPECT_THAT(error.message(), HasSubstr("2 processes died"));
  EXPECT_EQ(error.request_id(), "killer");
  EXPECT_TRUE(std::holds_alternative<Response>(by_jid.at(jobs::callback_jid("beside")).outcome));
  EXPECT_THAT(sent_paths(), ElementsAre("/beside"));
  EXPECT_THAT(log_.text(), HasSubstr("job killer is condemned"));
  EXPECT_EQ(parts->store().statistics()->errors_by_type.at("unknown"), 1);
}

TEST_F(PoisonTest, OneDeathCondemnsNobody) {
  push_request(*join(), "suspect", "/");
  let_processes_die(2);
  let_processes_die(1, "suspect");
  const auto parts = open_parts(parts_configuration());
  parts->start();
  EXPECT_TRUE(std::holds_alternative<Response>(callbacks(*parts, 1).at(0).outcome));
}

TEST_F(PoisonTest, SuspectsThatWaitHoldTheRoomTheyNeed) {
  make_slow("/slow");
  for (const char* id : {"a", "b", "c"}) push_request(*join(), id, "/slow");
  let_processes_die(3);
  Configuration configured = parts_configuration();
  configured.processor.max_connections = 2;
  const auto parts = open_parts(std::move(configured));
  parts->start();
  ASSERT_TRUE(server_.wait_for_requests("/slow"));
  ASSERT_TRUE(eventually([&] { return parts->status()->jobs.in_flight == 2; }));
  EXPECT_EQ(parts->status()->jobs.ready, 1);
  server_.release();
  EXPECT_EQ(callbacks(*parts, 3).size(), 3U);
}

TEST_F(PoisonTest, StopPutsSuspectsThatWaitBackInOrder) {
  server_.hang("/hang");
  for (const char* id : {"a", "b", "c"}) push_request(*join(), id, "/hang");
  let_processes_die(3);
  const auto parts = open_parts(parts_configuration());
  parts->start();
  ASSERT_TRUE(server_.wait_for_requests("/hang"));
  ASSERT_TRUE(eventually([&] { return parts->status()->jobs.in_flight == 3; }));
  parts->stop(0ms);
  EXPECT_EQ(parts->status()->jobs.in_flight, 0);
  std::vector<std::string> order;
  const auto claims = join()->claim(10).value();
  for (const auto& claim : claims) order.push_back(claim.jid);
  EXPECT_THAT(order, ElementsAre("a", "b", "c"));
}

TEST_F(PoisonTest, IsOffWithZero) {
  push_request(*join(), "killer", "/killer");
  let_processes_die(5, "killer");
  Configuration configured = parts_configuration();
  configured.poison_rescues = 0;
  const auto parts = open_parts(std::move(configured));
  parts->start();
  EXPECT_TRUE(std::holds_alternative<Response>(callbacks(*parts, 1).at(0).outcome));
  EXPECT_EQ(sql("SELECT count(*) FROM suspects"), 0);
}

TEST_F(PoisonTest, CallbackThatWasRescuedSixTimesGoesToTheDeadSet) {
  {
    const auto parts = open_parts(parts_configuration());
    parts->start();
    push_request(parts->store(), "five", "/");
    ASSERT_TRUE(eventually([&] { return parts->status()->jobs.callbacks_waiting == 1; }));
  }
  let_processes_die(1);
  {
    const auto parts = open_parts(parts_configuration());
    parts->start();
    push_request(parts->store(), "four", "/");
    ASSERT_TRUE(eventually([&] { return parts->status()->jobs.callbacks_waiting == 2; }));
  }
  let_processes_die(5);
  const auto service = open();
  service->start();
  EXPECT_EQ(journal_.wait_for(1).at(0).request_id, "four");
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.dead == 1; }));
  const auto dead = service->dead_jobs(10).value();
  EXPECT_EQ(dead.at(0).jid, jobs::callback_jid("five"));
  EXPECT_THAT(dead[0].reason, HasSubstr("taken from 6 processes"));
  // By hand it gets its tries again.
  EXPECT_EQ(service->retry_dead(std::vector<std::string>{dead[0].id}), 1);
  EXPECT_EQ(journal_.wait_for(2).at(1).request_id, "five");
}

TEST_F(PoisonTest, CannotBeNegative) {
  Configuration configured = configuration();
  configured.poison_rescues = -1;
  EXPECT_THAT(configured.validate(), ElementsAre("poison_rescues must be 0 or more"));
}

// The story as it happens: one of many requests kills whoever sends it.
TEST_F(PoisonTest, RequestThatKillsItsProcessIsFoundAndTheOthersAreCarriedOut) {
  for (int i = 0; i < 10; ++i) push_request(*join(), std::to_string(i), "/" + std::to_string(i));
  {
    const auto request = Request::create({.url = server_.url("/kill"), .preprocessors = {"kill"}});
    const std::vector<jobs::NewJob> job = {
        {"kill", jobs::make_request_job(
                     request.value(), {.jid = "kill", .request_id = "kill", .callback = "Note"})}};
    ASSERT_TRUE(join()->push(job, {}).has_value());
  }
  int kills = 0;
  for (;; ++kills) {
    ASSERT_LT(kills, 10);
    test::Program victim("poison_victim", {database_path()});
    const int status = victim.wait();
    if (status == 0) break;
    ASSERT_EQ(status, 1000 + SIGKILL) << victim.errors();
  }
  EXPECT_EQ(kills, 5) << "three rescues make a suspect, two deaths condemn it";
  const auto parts = open_parts(parts_configuration());
  std::map<std::string, jobs::CallbackJob> by_jid;
  for (auto& callback : callbacks(*parts, 11)) by_jid.emplace(callback.jid, std::move(callback));
  ASSERT_EQ(by_jid.size(), 11U);
  for (const auto& [jid, callback] : by_jid) {
    const auto* error = std::get_if<Error>(&callback.outcome);
    EXPECT_EQ(error != nullptr, jid == jobs::callback_jid("kill")) << jid;
    if (error == nullptr) continue;
    EXPECT_EQ(error->kind(), ErrorKind::kPoison);
  }
  EXPECT_THAT(sent_paths(), Not(testing::Contains("/kill")));
}

}  // namespace
}  // namespace patient_http
