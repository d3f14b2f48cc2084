#include "patient_http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "patient_http/inline_service.h"
#include "patient_http/request_helper.h"
#include "service/service_fixture.h"

namespace patient_http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Takes what clients submit, as a program's own handler would.
class ListingHandler final : public RequestHandler {
 public:
  Result<std::vector<std::string>, SubmitFailure> submit(
      std::vector<Submission> submissions) override {
    std::vector<std::string> ids;
    for (Submission& submission : submissions) {
      ids.push_back("id-" + std::to_string(taken.size()));
      taken.push_back(std::move(submission));
    }
    return ids;
  }

  std::vector<Submission> taken;
};

// What was taken, a line each.
std::vector<std::string> lines(const ListingHandler& handler) {
  std::vector<std::string> found;
  for (const Submission& submission : handler.taken) {
    found.push_back(std::string(to_string(submission.request.method())) + " " +
                    submission.request.url() + " " + submission.request.body().value_or("-") + " " +
                    submission.callback + " " + submission.callback_args.to_json().dump());
  }
  return found;
}

TEST(ClientTest, HandsInARequestOfEachMethod) {
  ListingHandler handler;
  const Client client(handler);
  const SubmitOptions options{.callback = "C", .callback_args = Json::object({{"a", 1}})};
  EXPECT_EQ(client.get("http://h/g", options), "id-0");
  EXPECT_EQ(client.get("http://h/g", {.params = {{"q", "x"}}}, options), "id-1");
  EXPECT_EQ(client.post("http://h/p", {.body = "b"}, options), "id-2");
  EXPECT_EQ(client.put("http://h/p", {.json = Json(1)}, options), "id-3");
  EXPECT_EQ(client.patch("http://h/p", {.body = "b"}, options), "id-4");
  EXPECT_EQ(client.delete_("http://h/d", options), "id-5");
  EXPECT_EQ(client.delete_("http://h/d", {.params = {{"q", "x"}}}, options), "id-6");
  EXPECT_EQ(client.request({.method = HttpMethod::kPut, .url = "http://h/r"}, options), "id-7");
  EXPECT_THAT(lines(handler),
              ElementsAre("get http://h/g - C {\"a\":1}", "get http://h/g?q=x - C {\"a\":1}",
                          "post http://h/p b C {\"a\":1}", "put http://h/p 1 C {\"a\":1}",
                          "patch http://h/p b C {\"a\":1}", "delete http://h/d - C {\"a\":1}",
                          "delete http://h/d?q=x - C {\"a\":1}", "put http://h/r - C {\"a\":1}"));
}

TEST(ClientTest, LaysATemplateUnderItsRequests) {
  ListingHandler handler;
  const Client client = Client(handler).with(*RequestTemplate::create(
      {.base_url = "http://h/v1/", .headers = {{"x-a", "1"}}, .params = {{"v", "2"}}}));
  ASSERT_TRUE(client.get("items", {.callback = "C"}));
  ASSERT_TRUE(client.execute(Request::create({.url = "http://other/"}).value(), {.callback = "C"}));
  EXPECT_THAT(lines(handler),
              ElementsAre("get http://h/v1/items?v=2 - C {}", "get http://other/ - C {}"));
  EXPECT_EQ(handler.taken[0].request.headers().get("x-a"), "1");
}

TEST(ClientTest, SaysWhatIsWrongBeforeAnythingIsHandedIn) {
  ListingHandler handler;
  const Client client(handler);
  const auto refused =
      client.post("http://h/", {.timeout = Timeout(std::chrono::seconds(-1))}, {.callback = "C"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, SubmitFailure::Kind::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("timeout"));
  EXPECT_TRUE(handler.taken.empty());
}

// A class of an application.
class Invoices : private RequestHelper {
 public:
  Invoices() : RequestHelper(*RequestTemplate::create({.base_url = "http://h/invoices/"})) {}

  Submitted fetch(const std::string& id) { return async_get(id, {.callback = "Fetched"}); }
  Submitted pay(const std::string& id) {
    return async_post(id + "/pay", {.json = Json::object({{"pay", true}})},
                      {.callback = "Paid", .callback_args = Json::object({{"id", id}})});
  }
  Submitted cancel(const std::string& id) { return async_delete(id, {.callback = "Cancelled"}); }
};

TEST(RequestHelperTest, SubmitsToTheHandlerThatIsRegistered) {
  Invoices invoices;
  const auto nobody = invoices.fetch("7");
  ASSERT_FALSE(nobody.has_value());
  EXPECT_EQ(nobody.error().kind, SubmitFailure::Kind::kNoHandler);

  ListingHandler handler;
  register_handler(handler);
  EXPECT_EQ(invoices.fetch("7"), "id-0");
  EXPECT_TRUE(invoices.pay("7"));
  EXPECT_TRUE(invoices.cancel("7"));
  unregister_handler(handler);
  EXPECT_FALSE(invoices.fetch("7").has_value());
  EXPECT_THAT(lines(handler), ElementsAre("get http://h/invoices/7 - Fetched {}",
                                          "post http://h/invoices/7/pay {\"pay\":true} Paid "
                                          "{\"id\":\"7\"}",
                                          "delete http://h/invoices/7 - Cancelled {}"));
}

TEST(RegisteredHandlerTest, IsTakenBackOnlyByItsOwner) {
  ListingHandler first;
  ListingHandler second;
  register_handler(first);
  register_handler(second);
  unregister_handler(first);
  ASSERT_TRUE(Client().get("http://h/", {.callback = "C"}));
  EXPECT_EQ(second.taken.size(), 1U);
  unregister_handler(second);
  EXPECT_FALSE(Client().get("http://h/", {.callback = "C"}).has_value());
}

// Holds submissions until it is told to go on, but for those with the id "probe".
class HeldHandler final : public RequestHandler {
 public:
  Result<std::vector<std::string>, SubmitFailure> submit(
      std::vector<Submission> submissions) override {
    if (submissions.front().request_id == "probe") return std::vector<std::string>{"probe"};
    entered.set_value();
    go_on.get_future().wait();
    return std::vector<std::string>{"held"};
  }

  std::promise<void> entered;
  std::promise<void> go_on;
};

TEST(RegisteredHandlerTest, IsNotGoneWhileASubmissionIsUnderWay) {
  HeldHandler handler;
  register_handler(handler);
  auto submitting = std::async(std::launch::async,
                               [] { return Client().get("http://h/", {.callback = "C"}).value(); });
  handler.entered.get_future().wait();
  auto leaving = std::async(std::launch::async, [&] { unregister_handler(handler); });
  // Nobody new gets in while the old one is held.
  while (Client().get("http://h/", {.callback = "C", .request_id = "probe"}).has_value()) {
  }
  EXPECT_EQ(leaving.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  handler.go_on.set_value();
  leaving.get();
  EXPECT_EQ(submitting.get(), "held");
}

// Submissions to a new handler that never pause kept the old one from being taken back.
TEST(RegisteredHandlerTest, IsTakenBackWhileAnotherOneIsAtWork) {
  ListingHandler old;
  register_handler(old);
  HeldHandler handler;
  register_handler(handler);
  auto submitting = std::async(std::launch::async,
                               [] { return Client().get("http://h/", {.callback = "C"}).value(); });
  handler.entered.get_future().wait();
  auto leaving = std::async(std::launch::async, [&] { unregister_handler(old); });
  EXPECT_EQ(leaving.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  handler.go_on.set_value();
  EXPECT_EQ(submitting.get(), "held");
  unregister_handler(handler);
}

class ServiceRegistrationTest : public test::ServiceFixture {};

TEST_F(ServiceRegistrationTest, StartRegistersAndStopTakesBackWhatIsStillItsOwn) {
  const auto service = open();
  EXPECT_FALSE(Client().get(server_.url("/x"), {.callback = "Note"}).has_value());
  service->start();
  ASSERT_TRUE(Client().get(server_.url("/x"), {.callback = "Note"}));
  EXPECT_EQ(journal_.wait_for(1).size(), 1U);
  ListingHandler other;
  register_handler(other);
  service->stop();
  EXPECT_TRUE(Client().get(server_.url("/x"), {.callback = "Note"}));
  unregister_handler(other);
  EXPECT_EQ(other.taken.size(), 1U);
  service->start();
  service->stop();
  EXPECT_FALSE(Client().get(server_.url("/x"), {.callback = "Note"}).has_value());
}

class InlineServiceTest : public test::ServiceFixture {};

TEST_F(InlineServiceTest, RunsRequestAndCallbackBeforeItReturns) {
  server_.answer("/x", 200, "hello");
  InlineService service(configuration());
  std::thread::id ran_on;
  journal_.then = [&](const test::CallbackCall&) { ran_on = std::this_thread::get_id(); };
  const auto id = service.client().get(
      server_.url("/x"), {.callback = "Note", .callback_args = Json::object({{"n", 1}})});
  ASSERT_TRUE(id.has_value());
  const auto calls = journal_.wait_for(0);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_EQ(calls[0].request_id, *id);
  EXPECT_EQ(calls[0].response->body(), "hello");
  EXPECT_TRUE(calls[0].response->callback_args().contains("n"));
}

TEST_F(InlineServiceTest, HandsErrorsAndRaisedResponsesToOnError) {
  server_.answer("/bad", 500, "no");
  InlineService service(configuration());
  ASSERT_TRUE(service.client().get("http://127.0.0.1:1/", {.callback = "Note"}));
  ASSERT_TRUE(service.client().get(server_.url("/bad"),
                                   {.callback = "Note", .raise_error_responses = true}));
  const auto calls = journal_.wait_for(0);
  EXPECT_EQ(calls.at(0).error->kind(), ErrorKind::kRefused);
  EXPECT_EQ(calls.at(1).error->kind(), ErrorKind::kHttpStatus);
}

TEST_F(InlineServiceTest, LetsThroughWhatCallbacksAndHooksThrow) {
  journal_.then = [](const test::CallbackCall&) { throw std::runtime_error("seen"); };
  InlineService service(configuration());
  EXPECT_THROW(static_cast<void>(service.client().get(server_.url("/x"), {.callback = "Note"})),
               std::runtime_error);
}

TEST_F(InlineServiceTest, ServesHelpersOnceItIsStartedAndMayBeUsedByItsCallbacks) {
  InlineService service(configuration());
  journal_.then = [&](const test::CallbackCall& call) {
    if (call.request_id == "first") {
      ASSERT_TRUE(Client().get(server_.url("/y"), {.callback = "Note", .request_id = "second"}));
    }
  };
  EXPECT_FALSE(Client().get(server_.url("/x"), {.callback = "Note"}).has_value());
  service.start();
  ASSERT_TRUE(Client().get(server_.url("/x"), {.callback = "Note", .request_id = "first"}));
  EXPECT_EQ(journal_.wait_for(0).size(), 2U);
  service.stop();
  EXPECT_FALSE(Client().get(server_.url("/x"), {.callback = "Note"}).has_value());
}

TEST_F(InlineServiceTest, SendsNothingWhenOneOfManyIsRefused) {
  InlineService service(configuration());
  std::vector<Submission> submissions;
  submissions.push_back(
      {.request = Request::create({.url = server_.url("/x")}).value(), .callback = "Note"});
  submissions.push_back(
      {.request = Request::create({.url = server_.url("/x")}).value(), .callback = "Other"});
  const auto refused = service.submit(std::move(submissions));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, SubmitFailure::Kind::kUnknownCallback);
  EXPECT_TRUE(server_.requests().empty());
}

}  // namespace
}  // namespace patient_http
