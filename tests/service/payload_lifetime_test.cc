// How long what is kept in payload stores is there: as long as a job needs it, and no longer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <stdexcept>

#include "patient_http/sqlite_payload_store.h"
#include "payload/memory_payload_store.h"
#include "service/payload_fixture.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::CallbackCall;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class PayloadLifetimeTest : public test::PayloadFixture {
 protected:
  // Its callbacks fail as long as fails_ says so.
  [[nodiscard]] Configuration failing(int retries) {
    journal_.then = [this](const CallbackCall&) {
      if (fails_) throw std::runtime_error("told to");
    };
    Configuration configuration = this->configuration();
    configuration.callbacks.retries = retries;
    return configuration;
  }

  // Leaves the dead callback of request "lost" behind, which needs a payload.
  void kill_a_callback(Service& service) {
    fails_ = true;
    service.start();
    ASSERT_TRUE(post(service, "/echo", large("a"), "lost"));
    ASSERT_TRUE(eventually(service, [](const auto& jobs) { return jobs.dead == 1; }));
    // The request's own payload goes, the result's stays.
    ASSERT_TRUE(eventually([&] { return unswept() == 1; }));
    ASSERT_THAT(files(), SizeIs(1));
  }

  std::atomic<bool> fails_{false};
};

// The three kinds of stores, and how many payloads each holds.
enum class Kind { kFiles, kSqlite, kOfTheUser };

class PayloadLifetimeInEachStoreTest : public test::PayloadFixture,
                                       public testing::WithParamInterface<Kind> {
 protected:
  [[nodiscard]] Configuration configuration() {
    Configuration configuration = without_stores();
    configuration.register_payload_store("store", make_store());
    return configuration;
  }

  [[nodiscard]] std::size_t stored() {
    if (GetParam() == Kind::kFiles) return files().size();
    if (GetParam() == Kind::kOfTheUser) {
      base::MutexLock lock(content_->mutex);
      return content_->entries.size();
    }
    auto database = sqlite::Database::open({.path = folder_.file("payloads.db")});
    return static_cast<std::size_t>(
        **database.value().integer("SELECT count(*) FROM patient_http_payloads"));
  }

 private:
  [[nodiscard]] std::shared_ptr<PayloadStore> make_store() {
    if (GetParam() == Kind::kFiles) return file_store("payloads");
    if (GetParam() == Kind::kOfTheUser)
      return std::make_shared<payload::MemoryPayloadStore>(content_);
    auto store = SqlitePayloadStore::open(folder_.file("payloads.db"));
    if (!store) throw std::runtime_error(store.error().message);
    return std::move(*store);
  }

  // Shared with the stores.
  const std::shared_ptr<payload::MemoryPayloadStore::Content> content_ =
      std::make_shared<payload::MemoryPayloadStore::Content>();
};

std::string name_of(const testing::TestParamInfo<Kind>& kind) {
  switch (kind.param) {
    case Kind::kFiles:
      return "Files";
    case Kind::kSqlite:
      return "Sqlite";
    case Kind::kOfTheUser:
      break;
  }
  return "OfTheUser";
}

INSTANTIATE_TEST_SUITE_P(Stores, PayloadLifetimeInEachStoreTest,
                         testing::Values(Kind::kFiles, Kind::kSqlite, Kind::kOfTheUser), name_of);

TEST_P(PayloadLifetimeInEachStoreTest, KeepsRequestAndResultOutOfTheJobs) {
  std::promise<void> go_on;
  auto held = go_on.get_future();
  journal_.then = [&](const CallbackCall&) { held.wait(); };
  const auto service = open(configuration());
  ASSERT_TRUE(post(*service, "/echo", large("a")));
  ASSERT_THAT(jobs(), ElementsAre(HasSubstr(R"("args":[{"$ref":{"store":"store","key":")")));
  EXPECT_THAT(jobs(), Each(Not(HasSubstr("xxx"))));
  EXPECT_EQ(stored(), 1U);

  service->start();
  const auto calls = journal_.wait_for(1);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].response->body(), large("a"));
  // While the callback runs, its result is needed, but the request is not.
  EXPECT_TRUE(eventually([&] { return stored() == 1 && unswept() == 1; }));
  EXPECT_THAT(jobs(), ElementsAre(HasSubstr(R"("args":[{"$ref":{"store":"store","key":")")));
  EXPECT_THAT(jobs(), Each(Not(HasSubstr("xxx"))));

  go_on.set_value();
  ASSERT_TRUE(eventually([&] { return jobs().empty(); }));
  service->stop(0ms);
  EXPECT_EQ(stored(), 0U);
  EXPECT_EQ(unswept(), 0);
}

TEST_P(PayloadLifetimeInEachStoreTest, CompletesMoreRequestsThanThereAreSlots) {
  constexpr std::size_t kRequests = 30;
  Configuration configuration = this->configuration();
  configuration.processor.max_connections = 1;
  const auto service = open(std::move(configuration));
  service->start();
  for (std::size_t i = 0; i < kRequests; ++i) {
    const std::string id = "r" + std::to_string(i);
    ASSERT_TRUE(post(*service, "/echo", large(id), id));
  }
  std::map<std::string, std::string> bodies;
  for (const CallbackCall& call : journal_.wait_for(kRequests)) {
    ASSERT_TRUE(call.response.has_value());
    bodies[call.request_id] = call.response->body().value_or("");
  }
  EXPECT_EQ(bodies.size(), kRequests);
  for (const auto& [id, body] : bodies) EXPECT_EQ(body, large(id));
  ASSERT_TRUE(eventually([&] { return jobs().empty(); }));
  service->stop(0ms);
  EXPECT_EQ(stored(), 0U);
  EXPECT_EQ(unswept(), 0);
  EXPECT_THAT(log_.text(), Not(HasSubstr("not found")));
}

TEST_F(PayloadLifetimeTest, KeepsWhatIsSmallInTheJob) {
  const auto service = open();
  ASSERT_TRUE(post(*service, "/echo", "small"));
  EXPECT_THAT(jobs(), ElementsAre(HasSubstr("small")));
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_EQ(unswept(), 0);
}

TEST_F(PayloadLifetimeTest, KeepsAResultUntilItsCallbackSucceeds) {
  const auto service = open(failing(25));
  fails_ = true;
  service->start();
  ASSERT_TRUE(post(*service, "/echo", large("a")));
  for (std::size_t tries = 1; tries <= 2; ++tries) {
    ASSERT_TRUE(
        eventually(*service, [](const auto& jobs) { return jobs.callbacks_scheduled == 1; }));
    ASSERT_TRUE(eventually([&] { return unswept() == 1; }));
    EXPECT_THAT(files(), SizeIs(1));
    fails_ = tries < 2;
    let_time_pass();
    ASSERT_THAT(journal_.wait_for(tries + 1), SizeIs(tries + 1));
  }
  EXPECT_EQ(journal_.wait_for(3).back().response->body(), large("a"));
  EXPECT_TRUE(becomes_empty());
}

TEST_F(PayloadLifetimeTest, KeepsTheResultOfADeadCallbackForItsNextLife) {
  const auto service = open(failing(0));
  kill_a_callback(*service);
  fails_ = false;
  const std::vector ids{service->dead_jobs(1).value().at(0).id};
  EXPECT_EQ(service->retry_dead(ids), 1);
  const auto calls = journal_.wait_for(2);
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_EQ(calls[1].response->body(), large("a"));
  EXPECT_TRUE(becomes_empty());
}

TEST_F(PayloadLifetimeTest, RemovesTheResultOfADeadCallbackThatIsDeleted) {
  const auto service = open(failing(0));
  kill_a_callback(*service);
  const std::vector ids{service->dead_jobs(1).value().at(0).id};
  EXPECT_EQ(service->delete_dead(ids), 1);
  EXPECT_TRUE(becomes_empty());
}

TEST_F(PayloadLifetimeTest, RemovesTheResultOfADeadCallbackThatGotTooOld) {
  const auto service = open(failing(0));
  kill_a_callback(*service);
  service->stop(0ms);
  EXPECT_THAT(files(), SizeIs(1));
  sql("UPDATE dead SET died = 1");
  service->start();  // looks for those that are too old
  EXPECT_EQ(service->status()->jobs.dead, 0);
  EXPECT_TRUE(becomes_empty());
}

TEST_F(PayloadLifetimeTest, KeepsAScheduledRequestUntilItsTimeHasCome) {
  {
    const auto service = open();
    service->start();
    ASSERT_TRUE(service->client().post(
        server_.url("/echo"), {.body = large("a")},
        {.callback = "Note", .run_at = std::chrono::system_clock::now() + std::chrono::hours(1)}));
    service->stop(0ms);  // sweeps once more
    EXPECT_THAT(files(), SizeIs(1));
  }
  const auto service = open();
  service->start();
  let_time_pass();
  const auto calls = journal_.wait_for(1);
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].response->body(), large("a"));
  EXPECT_TRUE(becomes_empty());
}

TEST_F(PayloadLifetimeTest, KeepsARequestThatAStopInterrupts) {
  std::atomic<int> requests{0};
  server_.on("/slow", [&](const ReceivedRequest& request, ServerConnection& connection) {
    if (++requests == 1) {
      connection.wait_for_peer_to_close();
    } else {
      connection.send(TestHttpServer::response(200, request.body, kText));
    }
  });
  const auto service = open();
  service->start();
  ASSERT_TRUE(post(*service, "/slow", large("a")));
  ASSERT_TRUE(server_.wait_for_requests("/slow"));
  service->stop(0ms);
  EXPECT_EQ(service->status()->jobs.ready, 1);
  EXPECT_THAT(files(), SizeIs(1));

  service->start();
  const auto calls = journal_.wait_for(1);
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].response->body(), large("a"));
  EXPECT_TRUE(becomes_empty());
}

TEST_F(PayloadLifetimeTest, RemovesASecondSubmissionUnderOneId) {
  server_.on("/held", [&](const ReceivedRequest& request, ServerConnection& connection) {
    server_.wait_for_release();
    connection.send(TestHttpServer::response(200, request.body, kText));
  });
  const auto service = open();
  ASSERT_TRUE(post(*service, "/held", large("first"), "invoice-7"));
  ASSERT_TRUE(post(*service, "/held", large("second"), "invoice-7"));
  EXPECT_THAT(files(), SizeIs(2));
  service->start();
  ASSERT_TRUE(eventually([&] { return files().size() == 1 && unswept() == 1; }));
  EXPECT_THAT(test::read_file(files()[0]), HasSubstr("first"));
  server_.release();
  const auto calls = journal_.wait_for(1);
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].response->body(), large("first"));
  EXPECT_TRUE(becomes_empty());
}

TEST_F(PayloadLifetimeTest, RemovesAnInvalidRequestThatWasStored) {
  const std::string key = "07aa468d-b464-4e75-befb-4c20e7c4193d";
  const auto service = open();
  ASSERT_TRUE(file_store("payloads")->store(key, R"({"http_method":"get","url":"ftp://x/"})"));
  push_raw("j1", raw_job(R"({"$ref":{"store":"files","key":")" + key + "\"}}", "j1", 0),
           "files/" + key);
  service->start();
  const auto calls = journal_.wait_for(1);
  ASSERT_THAT(calls, SizeIs(1));
  ASSERT_TRUE(calls[0].error.has_value());
  EXPECT_EQ(calls[0].error->kind(), ErrorKind::kInvalidRequest);
  EXPECT_TRUE(becomes_empty());
}

// One process is taken for dead while it waits for an answer, and another one is faster.
TEST_F(PayloadLifetimeTest, RemovesAResultThatWasDroppedAndKeepsThatOfTheOtherRun) {
  std::atomic<int> requests{0};
  server_.on("/held", [&](const ReceivedRequest&, ServerConnection& connection) {
    const bool is_first = ++requests == 1;
    if (is_first) server_.wait_for_release();
    connection.send(TestHttpServer::response(200, large(is_first ? "late" : "in time"), kText));
  });
  Configuration configuration = this->configuration();
  configuration.processor.max_connections = 1;  // the first does not claim it once more
  configuration.callbacks.threads = 0;
  const auto first = open(configuration);
  first->start();
  ASSERT_TRUE(post(*first, "/held", large("request")));
  ASSERT_TRUE(server_.wait_for_requests("/held"));
  sql("INSERT INTO ready SELECT position, job FROM in_flight");
  sql("DELETE FROM in_flight");
  const auto second = open(configuration);
  second->start();
  ASSERT_TRUE(eventually(*second, [](const auto& jobs) { return jobs.callbacks_waiting == 1; }));
  server_.release();
  ASSERT_TRUE(eventually([&] { return log_.text().find("were dropped") != std::string::npos; }));
  second->stop(0ms);
  first->stop(0ms);
  ASSERT_THAT(files(), SizeIs(1));
  EXPECT_THAT(test::read_file(files()[0]), HasSubstr("in time"));
  EXPECT_EQ(unswept(), 1);

  const auto third = open();
  third->start();
  const auto calls = journal_.wait_for(1);
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].response->body(), large("in time"));
  EXPECT_TRUE(becomes_empty());
}

TEST_F(PayloadLifetimeTest, ReadsAnOldStoreAndWritesToTheNewOne) {
  Configuration old_store = without_stores();
  old_store.register_payload_store("old", file_store("old"));
  ASSERT_TRUE(post(*open(old_store), "/echo", large("a"), "a"));
  Configuration both = old_store;
  both.register_payload_store("new", file_store("new"));
  both.callbacks.threads = 0;
  {
    const auto service = open(both);
    ASSERT_TRUE(post(*service, "/echo", large("b"), "b"));
    EXPECT_THAT(files("old"), SizeIs(1));
    EXPECT_THAT(files("new"), SizeIs(1));
    service->start();
    ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.callbacks_waiting == 2; }));
    service->stop(0ms);
    EXPECT_THAT(files("old"), IsEmpty());
    EXPECT_THAT(files("new"), SizeIs(2));
  }
  both.callbacks.threads = 1;
  const auto service = open(both);
  service->start();
  EXPECT_THAT(journal_.wait_for(2), SizeIs(2));
  EXPECT_TRUE(becomes_empty("new"));
}

// Nobody has used what a process announced before it died.
TEST_F(PayloadLifetimeTest, RemovesWhatADeadProcessHadAnnounced) {
  const std::string key = "07aa468d-b464-4e75-befb-4c20e7c4193d";
  const auto service = open();
  ASSERT_TRUE(file_store("payloads")->store(key, "{}"));
  sql("INSERT INTO processes (number, name, is_exclusive) VALUES (99, 'h:1:dead', 0)");
  sql("INSERT INTO stored_payloads (reference, process) VALUES ('files/" + key + "', 99)");
  service->start();
  EXPECT_TRUE(becomes_empty());
}

}  // namespace
}  // namespace patient_http
