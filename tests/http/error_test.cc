#include "patient_http/error.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace patient_http {
namespace {

using namespace std::chrono_literals;

Response response(int status) {
  return Response(ResponseOptions{.status = status,
                                  .duration = 500ms,
                                  .request_id = "id",
                                  .url = "https://h/x",
                                  .method = HttpMethod::kPost});
}

RedirectErrorOptions redirect_options(ErrorKind kind) {
  return RedirectErrorOptions{.kind = kind,
                              .url = "http://a/3",
                              .method = HttpMethod::kPost,
                              .duration = 1250ms,
                              .request_id = "id",
                              .redirects = {"http://a/1", "http://a/2"}};
}

TEST(ErrorTest, WritesARequestErrorAsTheGemDoes) {
  const RequestError error(RequestErrorOptions{.kind = ErrorKind::kRefused,
                                               .message = "refused",
                                               .duration = 250ms,
                                               .request_id = "id",
                                               .url = "http://h/",
                                               .method = HttpMethod::kPut});
  EXPECT_EQ(error.to_json().dump(),
            R"({"class_name":"Errno::ECONNREFUSED","message":"refused","backtrace":[],)"
            R"("request_id":"id","error_type":"connection","duration":0.25,"url":"http://h/",)"
            R"("http_method":"put","callback_args":{}})");
  EXPECT_EQ(error.kind(), ErrorKind::kRefused);
  EXPECT_EQ(error.duration(), Seconds(0.25));
}

TEST(ErrorTest, WritesARequestErrorBackAsItWasRead) {
  const std::string text =
      R"({"class_name":null,"message":"m","backtrace":["a.rb:1"],"request_id":null,)"
      R"("error_type":"timeout","duration":1,"url":null,"http_method":"PUT","callback_args":{"a":1}})";
  const auto error = Error::from_json(*Json::parse(text));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->to_json().dump(), text);
  EXPECT_EQ(error->kind(), ErrorKind::kUnknown);
  EXPECT_EQ(error->error_type(), "timeout");
}

TEST(ErrorTest, FindsOutItsKindByItsKeys) {
  const auto read = [](const Error& error) { return *Error::from_json(error.to_json()); };
  EXPECT_NE(read(HttpError(response(404))).if_http_error(), nullptr);
  EXPECT_NE(read(RedirectError(redirect_options(ErrorKind::kTooManyRedirects))).if_redirect_error(),
            nullptr);
  EXPECT_NE(read(RequestError(RequestErrorOptions{})).if_request_error(), nullptr);
  EXPECT_FALSE(Error::from_json(Json("text")).has_value());
}

TEST(ErrorTest, NamesTheClassOfAnHttpErrorByItsStatus) {
  EXPECT_EQ(HttpError(response(400)).class_name(), "PatientHttp::ClientError");
  EXPECT_EQ(HttpError(response(499)).class_name(), "PatientHttp::ClientError");
  EXPECT_EQ(HttpError(response(500)).class_name(), "PatientHttp::ServerError");
  EXPECT_EQ(HttpError(response(600)).class_name(), "PatientHttp::HttpError");
  const Error error = HttpError(response(404));
  EXPECT_EQ(error.message(), "HTTP 404 response from POST https://h/x");
  EXPECT_EQ(error.error_type(), "http_error");
  EXPECT_EQ(error.kind(), ErrorKind::kHttpStatus);
  EXPECT_EQ(error.request_id(), "id");
}

TEST(ErrorTest, SaysWhichFieldOfAResponseIsWrong) {
  const auto refused = Error::from_json(*Json::parse(R"({"response":{"status":"x"}})"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message(), R"(response.status must be an integer, got "x")");
}

TEST(ErrorTest, NamesTheFirstUrlOfTooManyRedirects) {
  const RedirectError error(redirect_options(ErrorKind::kTooManyRedirects));
  EXPECT_EQ(error.message(), "Too many redirects (2) while requesting POST http://a/1");
  EXPECT_EQ(error.to_json().dump(),
            R"({"error_class":"PatientHttp::TooManyRedirectsError","url":"http://a/3",)"
            R"("http_method":"post","duration":1.25,"request_id":"id",)"
            R"("redirects":["http://a/1","http://a/2"],"callback_args":{}})");
}

TEST(ErrorTest, NamesTheUrlOfALoop) {
  const RedirectError error(redirect_options(ErrorKind::kRecursiveRedirect));
  EXPECT_EQ(error.message(),
            "Recursive redirect detected: http://a/3 was already visited in redirect chain");
  EXPECT_EQ(Error(error).error_type(), "redirect");
}

TEST(ErrorTest, RefusesOtherClassesOfRedirectErrors) {
  EXPECT_FALSE(
      Error::from_json(*Json::parse(R"({"error_class":"String","redirects":[]})")).has_value());
  EXPECT_THROW(RedirectError{redirect_options(ErrorKind::kInvalidRedirect)}, std::invalid_argument);
}

TEST(ErrorTest, ShowsNoQueryInItsMessage) {
  const std::string url = "https://user:pass@api.example/x?token=hidden";
  const Error http(HttpError(Response({.status = 404, .url = url})));
  EXPECT_EQ(http.message(), "HTTP 404 response from GET https://api.example/x");
  EXPECT_EQ(http.url(), url);
  for (const ErrorKind kind : {ErrorKind::kTooManyRedirects, ErrorKind::kRecursiveRedirect}) {
    const Error redirect(RedirectError({.kind = kind, .url = url, .redirects = {url}}));
    EXPECT_EQ(redirect.message().find("hidden"), std::string::npos) << redirect.message();
    EXPECT_EQ(redirect.message().find("pass"), std::string::npos) << redirect.message();
  }
}

}  // namespace
}  // namespace patient_http
