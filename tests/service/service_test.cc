#include "patient_http/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>

#include "service/service_fixture.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::CallbackCall;
using test::JournalCallback;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ServiceTest : public test::ServiceFixture {};

TEST_F(ServiceTest, HandsAResponseToItsCallback) {
  server_.answer("/x", 201, "hello");
  const auto service = open();
  service->start();
  const auto id =
      service->client().post(server_.url("/x"), {.body = "a"},
                             {.callback = "Note", .callback_args = Json::object({{"n", 7}})});
  ASSERT_TRUE(id.has_value()) << id.error().message;
  const auto calls = journal_.wait_for(1);
  ASSERT_EQ(calls.size(), 1U);
  ASSERT_TRUE(calls[0].response.has_value());
  EXPECT_EQ(calls[0].request_id, *id);
  EXPECT_EQ(calls[0].response->status(), 201);
  EXPECT_EQ(calls[0].response->body(), "hello");
  EXPECT_EQ(calls[0].response->callback_args().at("n")->dump(), "7");
  EXPECT_TRUE(eventually(*service, [](const JobCounts& jobs) {
    return jobs.callbacks_running + jobs.callbacks_waiting == 0;
  }));
  EXPECT_EQ(service->statistics()->requests, 1);
}

TEST_F(ServiceTest, HandsAnErrorToItsCallbackWithItsKind) {
  const auto service = open();
  service->start();
  ASSERT_TRUE(service->client().get("http://127.0.0.1:1/", {.callback = "Note"}));
  const auto calls = journal_.wait_for(1);
  ASSERT_TRUE(calls.at(0).error.has_value());
  EXPECT_EQ(calls[0].error->kind(), ErrorKind::kRefused);
}

TEST_F(ServiceTest, RaisesErrorResponsesWhenAsked) {
  server_.answer("/x", 500, "no");
  const auto service = open();
  service->start();
  ASSERT_TRUE(service->client().get(server_.url("/x"),
                                    {.callback = "Note", .raise_error_responses = true}));
  const auto calls = journal_.wait_for(1);
  ASSERT_TRUE(calls.at(0).error.has_value());
  EXPECT_EQ(calls[0].error->if_http_error()->status(), 500);
}

TEST_F(ServiceTest, RunsACallbackThatThrowsAgainWithTheSameResult) {
  server_.answer("/x", 200, "hello");
  std::atomic<int> runs{0};
  journal_.then = [&](const CallbackCall&) {
    if (++runs < 3) throw std::runtime_error("not yet");
  };
  const auto service = open();
  service->start();
  ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
  for (std::size_t tries = 1; tries < 3; ++tries) {
    ASSERT_EQ(journal_.wait_for(tries).size(), tries);
    ASSERT_TRUE(
        eventually(*service, [](const auto& jobs) { return jobs.callbacks_scheduled > 0; }));
    let_time_pass();
  }
  const auto calls = journal_.wait_for(3);
  ASSERT_EQ(calls.size(), 3U);
  for (const CallbackCall& call : calls) EXPECT_EQ(call.response->body(), "hello");
  EXPECT_EQ(server_.requests().size(), 1U);
  EXPECT_THAT(log_.text(), HasSubstr("std::runtime_error: not yet"));
}

TEST_F(ServiceTest, KeepsACallbackThatFailedTooOftenAmongTheDead) {
  std::atomic<bool> fails{true};
  journal_.then = [&](const CallbackCall&) {
    if (fails) throw std::logic_error("broken");
  };
  std::promise<std::string> exhausted;
  Configuration configuration = this->configuration();
  configuration.callbacks.retries = 1;
  configuration.callbacks.on_retries_exhausted = [&](const Error& error) {
    exhausted.set_value(error.request_id());
  };
  const auto service = open(std::move(configuration));
  service->start();
  const auto id = service->client().get("http://127.0.0.1:1/", {.callback = "Note"});
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.callbacks_scheduled > 0; }));
  let_time_pass();
  EXPECT_EQ(exhausted.get_future().get(), *id);
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.dead > 0; }));
  const auto dead = service->dead_jobs(10);
  ASSERT_EQ(dead->size(), 1U);
  EXPECT_TRUE(dead->at(0).is_callback);
  EXPECT_EQ(dead->at(0).reason, "std::logic_error: broken");
  EXPECT_THAT(dead->at(0).bytes, HasSubstr(R"("retry_count":1)"));

  fails = false;
  const std::vector ids{dead->at(0).id};
  EXPECT_EQ(service->retry_dead(ids), 1);
  EXPECT_EQ(journal_.wait_for(3).size(), 3U);
  EXPECT_TRUE(service->dead_jobs(10)->empty());
}

TEST_F(ServiceTest, DeletesTheDead) {
  journal_.then = [](const CallbackCall&) { throw 1; };
  Configuration configuration = this->configuration();
  configuration.callbacks.retries = 0;
  const auto service = open(std::move(configuration));
  service->start();
  ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.dead > 0; }));
  EXPECT_EQ(service->dead_jobs(10)->at(0).reason, "int: threw what is no std::exception");
  const std::vector ids{service->dead_jobs(10)->at(0).id};
  EXPECT_EQ(service->delete_dead(ids), 1);
  EXPECT_TRUE(service->dead_jobs(10)->empty());
  EXPECT_EQ(sql("SELECT count(*) FROM payloads"), 0);
}

// So long a time overflowed, and all of the dead counted as too old.
TEST_F(ServiceTest, KeepsTheDeadForEverWhenAsked) {
  journal_.then = [](const CallbackCall&) { throw std::logic_error("broken"); };
  Configuration for_ever = configuration();
  for_ever.callbacks.retries = 0;
  for_ever.callbacks.dead_lifetime = std::chrono::hours::max();
  const auto service = open(std::move(for_ever));
  service->start();
  ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.dead == 1; }));
  service->stop();
  service->start();
  EXPECT_EQ(service->status()->jobs.dead, 1);
}

TEST_F(ServiceTest, CallsHooksInOrderBeforeTheCallback) {
  Configuration configuration = this->configuration();
  for (const char* name : {"first", "second"}) {
    configuration.callbacks.after_completion.push_back([this, name](const Response& response) {
      journal_.note({.name = name, .request_id = response.request_id()});
    });
    configuration.callbacks.after_error.push_back([this, name](const Error& error) {
      journal_.note({.name = std::string(name) + " error", .request_id = error.request_id()});
    });
  }
  const auto service = open(std::move(configuration));
  service->start();
  const auto names = [&](std::size_t count) {
    std::vector<std::string> found;
    for (const CallbackCall& call : journal_.wait_for(count)) found.push_back(call.name);
    return found;
  };
  ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
  EXPECT_THAT(names(3), ElementsAre("first", "second", "Note"));
  ASSERT_TRUE(service->client().get("http://127.0.0.1:1/", {.callback = "Note"}));
  EXPECT_THAT(names(6),
              ElementsAre("first", "second", "Note", "first error", "second error", "Note"));
}

TEST_F(ServiceTest, TriesAgainWhenAHookThrows) {
  std::atomic<int> calls{0};
  Configuration configuration = this->configuration();
  configuration.callbacks.after_completion.emplace_back([&](const Response&) {
    if (++calls == 1) throw std::runtime_error("no");
  });
  const auto service = open(std::move(configuration));
  service->start();
  ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.callbacks_scheduled > 0; }));
  EXPECT_THAT(journal_.wait_for(0), IsEmpty());
  let_time_pass();
  EXPECT_EQ(journal_.wait_for(1).size(), 1U);
}

TEST_F(ServiceTest, RefusesACallbackThatNobodyRegistered) {
  const auto service = open();
  const auto refused = service->client().get(server_.url("/x"), {.callback = "Other"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, SubmitFailure::Kind::kUnknownCallback);
  EXPECT_EQ(refused.error().message,
            R"(no callback is registered as "Other"; registered are: Note)");
  EXPECT_EQ(service->status()->jobs.ready, 0);
}

// One program submits, another one has the callbacks, and lacks one at first.
TEST_F(ServiceTest, TriesACallbackAgainThatIsNotRegisteredYet) {
  {
    Configuration submitting = configuration();
    submitting.callbacks = {.threads = 0};
    ASSERT_TRUE(
        open(std::move(submitting))->client().get(server_.url("/x"), {.callback = "Later"}));
  }
  {
    const auto service = open();
    service->start();
    ASSERT_TRUE(
        eventually(*service, [](const auto& jobs) { return jobs.callbacks_scheduled > 0; }));
    EXPECT_THAT(log_.text(), HasSubstr(R"(no callback is registered as "Later")"));
  }
  Configuration knowing = configuration();
  knowing.register_callback(
      "Later", [this] { return std::make_unique<JournalCallback>(journal_, "Later"); });
  let_time_pass();
  const auto service = open(std::move(knowing));
  service->start();
  EXPECT_EQ(journal_.wait_for(1).at(0).name, "Later");
}

TEST_F(ServiceTest, LetsCallbacksSubmitFurtherRequests) {
  const auto service = open();
  journal_.then = [&](const CallbackCall& call) {
    if (call.request_id != "first") return;
    ASSERT_TRUE(
        service->client().get(server_.url("/y"), {.callback = "Note", .request_id = "second"}));
  };
  service->start();
  ASSERT_TRUE(
      service->client().get(server_.url("/x"), {.callback = "Note", .request_id = "first"}));
  const auto calls = journal_.wait_for(2);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[1].request_id, "second");
}

// The callback is held until the stop is under way; what it submits then waits for the next start.
TEST_F(ServiceTest, WaitsForCallbacksAtAStopAndTakesWhatTheySubmit) {
  const auto service = open();
  std::promise<void> go_on;
  auto held = go_on.get_future();
  std::atomic<bool> has_ended{false};
  journal_.then = [&](const CallbackCall& call) {
    if (call.request_id != "first") return;
    held.wait();
    EXPECT_TRUE(Client().get(server_.url("/y"), {.callback = "Note", .request_id = "second"}));
    has_ended = true;
  };
  service->start();
  ASSERT_TRUE(
      service->client().get(server_.url("/x"), {.callback = "Note", .request_id = "first"}));
  ASSERT_EQ(journal_.wait_for(1).size(), 1U);
  auto stopping = std::async(std::launch::async, [&] { service->stop(0ms); });
  EXPECT_TRUE(
      eventually([&] { return service->status()->processor.state == ProcessorState::kStopped; }));
  EXPECT_EQ(stopping.wait_for(0s), std::future_status::timeout);
  go_on.set_value();
  stopping.get();
  EXPECT_TRUE(has_ended);
  EXPECT_EQ(service->status()->jobs.ready, 1);
  EXPECT_EQ(service->status()->jobs.callbacks_running, 0);
  service->start();
  EXPECT_EQ(journal_.wait_for(2).at(1).request_id, "second");
}

TEST_F(ServiceTest, RunsCallbacksThatWereLeftWhenItStopped) {
  std::promise<void> go_on;
  const std::shared_future<void> held = go_on.get_future().share();
  journal_.then = [&](const CallbackCall&) { held.wait(); };
  Configuration one_thread = configuration();
  one_thread.callbacks.threads = 1;
  const auto service = open(std::move(one_thread));
  service->start();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
  }
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) {
    return jobs.callbacks_running + jobs.callbacks_waiting == 5;
  }));
  auto stopping = std::async(std::launch::async, [&] { service->stop(0ms); });
  EXPECT_TRUE(
      eventually([&] { return service->status()->processor.state == ProcessorState::kStopped; }));
  go_on.set_value();
  stopping.get();
  const auto jobs = service->status()->jobs;
  EXPECT_EQ(jobs.callbacks_running, 0);
  EXPECT_EQ(static_cast<std::size_t>(jobs.callbacks_waiting) + journal_.wait_for(1).size(), 5U);
  service->start();
  EXPECT_EQ(journal_.wait_for(5).size(), 5U);
}

// So long a time overflowed, and the stop interrupted what was in flight.
TEST_F(ServiceTest, WaitsForRequestsAtAStopForEverWhenAsked) {
  server_.on("/x", [&](const auto&, test::ServerConnection& peer) {
    server_.wait_for_release();
    peer.send(test::TestHttpServer::response(200, "late"));
  });
  const auto service = open();
  service->start();
  ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
  ASSERT_TRUE(server_.wait_for_requests("/x"));
  auto stopping =
      std::async(std::launch::async, [&] { service->stop(std::chrono::milliseconds::max()); });
  EXPECT_TRUE(
      eventually([&] { return service->status()->processor.state != ProcessorState::kRunning; }));
  server_.release();
  stopping.get();
  EXPECT_EQ(service->status()->jobs.ready, 0);
}

// The claim stayed with the process, and nobody took it up as long as that lived.
TEST_F(ServiceTest, SendsAgainAtItsNextStartWhatAStopCouldNotHandOver) {
  std::atomic<bool> is_down{false};
  server_.on("/x", [&](const auto&, test::ServerConnection& peer) {
    is_down = server_.requests().size() < 2;
    peer.send(test::TestHttpServer::response(200, "hello"));
  });
  Configuration impatient = configuration();
  impatient.store_patience = 0ms;
  impatient.encryption.encrypt = [&](std::string_view data) {
    if (is_down) throw std::runtime_error("no key");
    return std::string(data);
  };
  impatient.encryption.decrypt = [](std::string_view data) { return std::string(data); };
  const auto service = open(std::move(impatient));
  service->start();
  ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
  ASSERT_TRUE(eventually([&] { return log_.text().find("trying again") != std::string::npos; }));
  service->stop(0ms);
  EXPECT_EQ(service->undelivered(), 1U);
  is_down = false;
  service->start();
  EXPECT_EQ(journal_.wait_for(1).size(), 1U);
  EXPECT_EQ(server_.requests().size(), 2U);
}

// Its claim stayed with the process, as that of a request.
TEST_F(ServiceTest, RunsAgainAtItsNextStartACallbackWhoseEndCouldNotBeNoted) {
  std::atomic<int> runs{0};
  journal_.then = [&](const CallbackCall&) {
    if (++runs > 1) return;
    sql("CREATE TRIGGER refuse BEFORE INSERT ON callbacks_schedule"
        " BEGIN SELECT RAISE(ABORT, 'refused'); END");
    throw std::runtime_error("not yet");
  };
  Configuration impatient = configuration();
  impatient.store_patience = 0ms;
  const auto service = open(std::move(impatient));
  service->start();
  ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
  ASSERT_EQ(journal_.wait_for(1).size(), 1U);
  service->stop(0ms);
  EXPECT_EQ(service->status()->jobs.callbacks_running, 1);
  sql("DROP TRIGGER refuse");
  service->start();
  EXPECT_EQ(journal_.wait_for(2).size(), 2U);
  EXPECT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.callbacks_running == 0; }));
}

TEST_F(ServiceTest, RefusesToStopFromACallback) {
  const auto service = open();
  std::promise<ProcessorState> state_after;
  journal_.then = [&](const CallbackCall&) {
    EXPECT_THROW(service->stop(), std::logic_error);
    state_after.set_value(service->status()->processor.state);
  };
  service->start();
  ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
  EXPECT_EQ(state_after.get_future().get(), ProcessorState::kRunning);
  service->stop();
}

// quiet() waited for the stop, which waited for the callback.
TEST_F(ServiceTest, MayBeQuietedFromACallbackThatAStopWaitsFor) {
  const auto service = open();
  std::promise<void> go_on;
  std::promise<void> has_ended;
  auto held = go_on.get_future();
  journal_.then = [&](const CallbackCall&) {
    held.wait();
    service->quiet();
    has_ended.set_value();
  };
  service->start();
  ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
  ASSERT_EQ(journal_.wait_for(1).size(), 1U);
  auto stopping = std::async(std::launch::async, [&] { service->stop(0ms); });
  EXPECT_TRUE(
      eventually([&] { return service->status()->processor.state == ProcessorState::kStopped; }));
  go_on.set_value();
  EXPECT_EQ(has_ended.get_future().wait_for(30s), std::future_status::ready);
  stopping.get();
}

TEST_F(ServiceTest, SendsARequestWhenItsTimeHasCome) {
  const auto service = open();
  service->start();
  ASSERT_TRUE(service->client().get(
      server_.url("/x"),
      {.callback = "Note", .run_at = std::chrono::system_clock::now() + std::chrono::hours(1)}));
  EXPECT_EQ(service->status()->jobs.scheduled, 1);
  EXPECT_EQ(server_.requests().size(), 0U);
  let_time_pass();
  EXPECT_EQ(journal_.wait_for(1).size(), 1U);
}

TEST_F(ServiceTest, TakesARequestOnceUnderOneId) {
  const auto service = open();
  const SubmitOptions options{.callback = "Note", .request_id = "invoice-7"};
  EXPECT_EQ(service->client().get(server_.url("/x"), options), "invoice-7");
  EXPECT_EQ(service->client().get(server_.url("/x"), options), "invoice-7");
  EXPECT_EQ(service->status()->jobs.ready, 1);
  for (const std::string& bad :
       {std::string("a b"), std::string("a\r\nb"), std::string(201, 'a')}) {
    const auto refused =
        service->client().get(server_.url("/x"), {.callback = "Note", .request_id = bad});
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().message, HasSubstr("request_id must be"));
  }
}

TEST_F(ServiceTest, TakesManyRequestsOrNone) {
  const auto service = open();
  const auto submission = [&](const std::string& callback, const std::string& id) {
    return Submission{.request = Request::create({.url = server_.url("/x")}).value(),
                      .callback = callback,
                      .request_id = id};
  };
  EXPECT_THAT(service->submit({submission("Note", "a"), submission("Note", "b")}).value(),
              ElementsAre("a", "b"));
  EXPECT_FALSE(service->submit({submission("Note", "c"), submission("Other", "d")}).has_value());
  EXPECT_EQ(service->status()->jobs.ready, 2);
}

TEST_F(ServiceTest, SaysWhatIsWrongWithASubmission) {
  const auto service = open();
  const auto bad_url = service->client().get("ftp://x/", {.callback = "Note"});
  ASSERT_FALSE(bad_url.has_value());
  EXPECT_EQ(bad_url.error().kind, SubmitFailure::Kind::kInvalid);
  EXPECT_THAT(bad_url.error().message, HasSubstr("url"));
  const auto bad_args =
      service->client().get(server_.url("/x"), {.callback = "Note", .callback_args = Json(1)});
  ASSERT_FALSE(bad_args.has_value());
  EXPECT_THAT(bad_args.error().message, HasSubstr("callback_args"));
  EXPECT_FALSE(service->client().get(server_.url("/x"), {}).has_value());
}

TEST_F(ServiceTest, SaysAllThatIsWrongWithItsConfiguration) {
  Configuration configuration;
  configuration.callbacks.retries = -1;
  configuration.callbacks.registered[""] = {};
  configuration.payloads.stores = {{"../x", nullptr}};
  configuration.encryption = {.keys = {"k"}, .encrypt = [](std::string_view) { return ""; }};
  try {
    static_cast<void>(Service::open(configuration));
    FAIL();
  } catch (const std::invalid_argument& error) {
    for (const char* part : {"database must name a file", "callbacks.retries", "must have names",
                             "name of a payload store", "both functions", "not both"}) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
}

TEST_F(ServiceTest, TakesUpTheCallbacksOfAProcessThatDied) {
  // A store that goes away with a claim on a callback is what a killed process leaves.
  {
    Configuration configuration = this->configuration();
    configuration.callbacks.threads = 0;
    const auto service = open(std::move(configuration));
    service->start();
    ASSERT_TRUE(service->client().get(server_.url("/x"), {.callback = "Note"}));
    ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.callbacks_waiting == 1; }));
  }
  sql("INSERT INTO processes (number, name, is_exclusive) VALUES (99, 'h:1:dead', 0)");
  sql("INSERT INTO callbacks_running SELECT 99, 1, job, position, jid FROM callbacks_ready");
  sql("DELETE FROM callbacks_ready");
  const auto service = open();
  service->start();
  EXPECT_EQ(journal_.wait_for(1).size(), 1U);
}

TEST_F(ServiceTest, WritesToTheLogOfTheUser) {
  journal_.then = [](const CallbackCall&) { throw std::runtime_error("told to"); };
  const auto service = open();
  service->start();
  ASSERT_TRUE(service->client().get(server_.url("/x?token=hidden"), {.callback = "Note"}));
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.callbacks_scheduled > 0; }));
  EXPECT_THAT(log_.text(), HasSubstr("told to"));
  EXPECT_THAT(log_.text(), testing::Not(HasSubstr("hidden")));
}

}  // namespace
}  // namespace patient_http
