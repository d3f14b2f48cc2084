#include "patient_http/request_task.h"

#include <gtest/gtest.h>

#include "base/uuid.h"
#include "support/recording_task_handler.h"

namespace patient_http {
namespace {

Request request() {
  return Request::create({.url = "http://h/"}).value();
}

TEST(RequestTaskTest, MakesAnIdUnlessItIsGivenOne) {
  test::RecordingTaskHandler handler;
  const RequestTask first(request(), handler);
  const RequestTask second(request(), handler);
  EXPECT_TRUE(base::is_uuid(first.id())) << first.id();
  EXPECT_NE(first.id(), second.id());
  EXPECT_EQ(RequestTask(request(), handler, {.id = "mine"}).id(), "mine");
}

TEST(RequestTaskTest, CarriesWhatItsHandlerNeeds) {
  test::RecordingTaskHandler handler;
  const RequestTask task(request(), handler,
                         {.callback = "My::Callback",
                          .callback_args = CallbackArgs::create(Json::object({{"k", 1}})).value(),
                          .raise_error_responses = false});
  EXPECT_EQ(task.request(), request());
  EXPECT_EQ(&task.handler(), &handler);
  EXPECT_EQ(task.callback(), "My::Callback");
  EXPECT_EQ(task.callback_args().to_json().dump(), R"({"k":1})");
  EXPECT_EQ(task.raise_error_responses(), false);
}

TEST(RequestTaskTest, LeavesTheRestToTheProcessor) {
  test::RecordingTaskHandler handler;
  const RequestTask task(request(), handler);
  EXPECT_EQ(task.raise_error_responses(), std::nullopt);
  EXPECT_TRUE(task.callback_args().empty());
  EXPECT_EQ(task.request().max_redirects(), std::nullopt);
}

}  // namespace
}  // namespace patient_http
