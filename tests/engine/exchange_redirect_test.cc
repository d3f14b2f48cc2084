// Redirects over the wire, as recorded from the Ruby gem (see exchange_test.cc).

#include <gtest/gtest.h>

#include "patient_http/inline_executor.h"
#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::make_task;
using test::ReceivedRequest;
using test::RecordedOutcome;
using test::RecordingTaskHandler;
using test::ServerConnection;
using test::TestHttpServer;

class ExchangeRedirectTest : public testing::Test {
 protected:
  RecordedOutcome run(RequestOptions request, std::optional<bool> raises = std::nullopt) {
    RecordingTaskHandler handler;
    executor_.execute(
        make_task(std::move(request), handler, {.id = "id-1", .raise_error_responses = raises}));
    return handler.wait_for(1).at(0);
  }
  void redirect(const std::string& path, int status, const std::string& location) {
    server_.answer(path, status, "moved", "location: " + location + "\r\n");
  }
  // Request line and x-request-id of what the server received.
  std::vector<std::string> received() const {
    std::vector<std::string> lines;
    for (const ReceivedRequest& request : server_.requests()) {
      lines.push_back(request.method + " " + request.target + " " +
                      request.header("x-request-id").at(0));
    }
    return lines;
  }
  // "/chain/0" leads to "/chain/1", and so on.
  void make_chain(int length) {
    for (int i = 0; i < length; ++i) {
      redirect("/chain/" + std::to_string(i), 302, "/chain/" + std::to_string(i + 1));
    }
  }

  TestHttpServer server_;
  TestHttpServer other_;
  InlineExecutor executor_{ProcessorOptions{.request_timeout = Seconds{20}, .retries = 0}};
};

TEST_F(ExchangeRedirectTest, MakesAGetWithoutBodyOf301To303) {
  for (const int status : {301, 302, 303}) {
    for (const HttpMethod method : {HttpMethod::kPost, HttpMethod::kPut}) {
      redirect("/from", status, "/final?z=1");
      const RecordedOutcome outcome = run({.method = method,
                                           .url = server_.url("/from"),
                                           .headers = {{"content-type", "text/plain"}},
                                           .body = "bb"});
      ASSERT_TRUE(outcome.response.has_value());
      EXPECT_EQ(outcome.response->url(), server_.url("/final?z=1"));
      EXPECT_EQ(outcome.response->method(), HttpMethod::kGet);
      EXPECT_EQ(outcome.response->request_id(), "id-1");
      EXPECT_EQ(outcome.response->redirects(), std::vector<std::string>{server_.url("/from")});
      const ReceivedRequest last = server_.requests().back();
      EXPECT_EQ(last.method, "GET");
      EXPECT_EQ(last.body, "");
      EXPECT_TRUE(last.header("content-length").empty());
      EXPECT_EQ(last.header("content-type"), std::vector<std::string>{"text/plain"});
      EXPECT_EQ(last.header("x-request-id"), std::vector<std::string>{"id-1/2"});
    }
  }
  EXPECT_EQ(server_.connection_count(), 1);
}

TEST_F(ExchangeRedirectTest, KeepsMethodAndBodyOf307And308) {
  for (const int status : {307, 308}) {
    redirect("/from", status, "/final");
    const RecordedOutcome outcome =
        run({.method = HttpMethod::kPost, .url = server_.url("/from"), .body = "bb"});
    EXPECT_EQ(outcome.response->method(), HttpMethod::kPost);
    const ReceivedRequest last = server_.requests().back();
    EXPECT_EQ(last.method, "POST");
    EXPECT_EQ(last.body, "bb");
    EXPECT_EQ(last.header("content-length"), std::vector<std::string>{"2"});
  }
}

TEST_F(ExchangeRedirectTest, MakesAGetOfADelete) {
  redirect("/301", 301, "/final");
  redirect("/307", 307, "/final");
  run({.method = HttpMethod::kDelete, .url = server_.url("/301")});
  EXPECT_EQ(server_.requests().back().method, "GET");
  run({.method = HttpMethod::kDelete, .url = server_.url("/307")});
  EXPECT_EQ(server_.requests().back().method, "DELETE");
}

TEST_F(ExchangeRedirectTest, KeepsCredentialsOnTheSameOrigin) {
  redirect("/from", 302, "/final");
  run({.url = server_.url("/from"),
       .headers = {{"authorization", "Bearer x"}, {"cookie", "c=1"}, {"x-custom", "cu"}}});
  const ReceivedRequest last = server_.requests().back();
  EXPECT_EQ(last.header("authorization"), std::vector<std::string>{"Bearer x"});
  EXPECT_EQ(last.header("cookie"), std::vector<std::string>{"c=1"});
  EXPECT_EQ(last.header("x-custom"), std::vector<std::string>{"cu"});
}

TEST_F(ExchangeRedirectTest, TakesNoCredentialsToAnotherOrigin) {
  // B16: the gem takes x-api-key and a given host along.
  redirect("/from", 307, other_.url("/final"));
  const RecordedOutcome outcome = run({.method = HttpMethod::kPost,
                                       .url = server_.url("/from"),
                                       .headers = {{"authorization", "Bearer x"},
                                                   {"cookie", "c=1"},
                                                   {"x-api-key", "k"},
                                                   {"api-key", "k"},
                                                   {"host", "given.example"},
                                                   {"x-custom", "cu"}},
                                       .body = "bb"});
  ASSERT_TRUE(outcome.response.has_value());
  EXPECT_EQ(outcome.response->url(), other_.url("/final"));
  const ReceivedRequest last = other_.requests().at(0);
  EXPECT_EQ(last.head, "POST /final HTTP/1.1\r\nhost: 127.0.0.1:" + std::to_string(other_.port()) +
                           "\r\nx-custom: cu\r\nx-request-id: id-1/2\r\n"
                           "user-agent: PatientHttp\r\naccept-encoding: gzip, deflate, br, zstd\r\n"
                           "content-length: 2\r\n\r\n");
  EXPECT_EQ(last.body, "bb");
}

TEST_F(ExchangeRedirectTest, TakesNoUserinfoToAnotherOrigin) {
  redirect("/from", 302, other_.url("/final"));
  const std::string port = std::to_string(server_.port());
  run({.url = "http://user:pass@127.0.0.1:" + port + "/from"});
  EXPECT_EQ(server_.requests().at(0).header("authorization").size(), 1U);
  EXPECT_TRUE(other_.requests().at(0).header("authorization").empty());
}

TEST_F(ExchangeRedirectTest, BringsNoCredentialsBackFromAnotherOrigin) {
  redirect("/from", 302, other_.url("/there"));
  other_.answer("/there", 302, "", "location: " + server_.url("/final") + "\r\n");
  const RecordedOutcome outcome =
      run({.url = server_.url("/from"),
           .headers = {{"authorization", "Bearer x"}, {"x-custom", "cu"}}});
  ASSERT_TRUE(outcome.response.has_value());
  const ReceivedRequest last = server_.requests().back();
  EXPECT_TRUE(last.header("authorization").empty());
  EXPECT_EQ(last.header("x-custom"), std::vector<std::string>{"cu"});
  EXPECT_EQ(last.header("x-request-id"), std::vector<std::string>{"id-1/3"});
  EXPECT_EQ(outcome.response->redirects(),
            (std::vector<std::string>{server_.url("/from"), other_.url("/there")}));
}

TEST_F(ExchangeRedirectTest, ResolvesRelativeLocations) {
  redirect("/redir/302", 302, "rel/x?y");
  EXPECT_EQ(run({.url = server_.url("/redir/302?q=1")}).response->url(),
            server_.url("/redir/rel/x?y"));
}

TEST_F(ExchangeRedirectTest, NumbersTheHopsOfAChain) {
  make_chain(3);
  const RecordedOutcome outcome = run({.url = server_.url("/chain/0")});
  EXPECT_EQ(outcome.response->url(), server_.url("/chain/3"));
  EXPECT_EQ(received(), (std::vector<std::string>{"GET /chain/0 id-1", "GET /chain/1 id-1/2",
                                                  "GET /chain/2 id-1/3", "GET /chain/3 id-1/4"}));
}

TEST_F(ExchangeRedirectTest, FollowsFiveUnlessToldOtherwise) {
  make_chain(9);
  const RecordedOutcome by_default = run({.url = server_.url("/chain/0")});
  ASSERT_TRUE(by_default.error.has_value());
  EXPECT_EQ(server_.requests().size(), 6U);
  const RecordedOutcome two = run({.url = server_.url("/chain/0"), .max_redirects = 2});
  ASSERT_TRUE(two.error.has_value());
  EXPECT_EQ(server_.requests().size(), 9U);
  const RedirectError& error = *two.error->if_redirect_error();
  EXPECT_EQ(error.class_name(), "PatientHttp::TooManyRedirectsError");
  EXPECT_EQ(two.error->error_type(), "redirect");
  // B24: in the gem the url is relative and the id has the number of the hop.
  EXPECT_EQ(error.url(), server_.url("/chain/3"));
  EXPECT_EQ(error.request_id(), "id-1");
  EXPECT_EQ(error.redirects(),
            (std::vector<std::string>{server_.url("/chain/0"), server_.url("/chain/1"),
                                      server_.url("/chain/2")}));
}

TEST_F(ExchangeRedirectTest, DeliversTheRedirectWhenItMayFollowNone) {
  make_chain(1);
  const RecordedOutcome outcome = run({.url = server_.url("/chain/0"), .max_redirects = 0});
  ASSERT_TRUE(outcome.response.has_value());
  EXPECT_EQ(outcome.response->status(), 302);
  EXPECT_EQ(outcome.response->body(), "moved");
  EXPECT_EQ(outcome.response->headers().get("location"), "/chain/1");
}

TEST_F(ExchangeRedirectTest, NoticesLoops) {
  redirect("/loop/a", 302, "/loop/b");
  redirect("/loop/b", 302, "/loop/a");
  redirect("/self", 302, "/self");
  // B26: a fragment hides a loop from the gem.
  redirect("/hidden", 302, "/hidden#again");
  for (const char* path : {"/loop/a", "/self", "/hidden"}) {
    const RecordedOutcome outcome = run({.url = server_.url(path)});
    ASSERT_TRUE(outcome.error.has_value()) << path;
    EXPECT_EQ(outcome.error->kind(), ErrorKind::kRecursiveRedirect) << path;
    EXPECT_EQ(outcome.error->class_name(), "PatientHttp::RecursiveRedirectError");
    EXPECT_EQ(outcome.error->if_redirect_error()->redirects().back(),
              server_.url(std::string(path) == "/loop/a" ? "/loop/b" : path));
  }
}

TEST_F(ExchangeRedirectTest, DeliversARedirectThatLeadsNowhere) {
  server_.answer("/noloc", 302, "no location");
  server_.answer("/emptyloc", 302, "", "location: \r\n");
  EXPECT_EQ(run({.url = server_.url("/noloc")}).response->body(), "no location");
  EXPECT_EQ(run({.url = server_.url("/emptyloc")}).response->status(), 302);
  EXPECT_EQ(run({.url = server_.url("/noloc")}, true).error->class_name(),
            "PatientHttp::HttpError");
}

TEST_F(ExchangeRedirectTest, FailsWhenALocationCannotBeFollowed) {
  // B23, B26: the gem tries to speak HTTP to an FTP server, and calls a bad url `unknown` too.
  for (const std::string location : {"http://bad host/", "ftp://127.0.0.1/x"}) {
    redirect("/bad", 302, location);
    const RecordedOutcome outcome = run({.url = server_.url("/bad")});
    ASSERT_TRUE(outcome.error.has_value()) << location;
    EXPECT_EQ(outcome.error->kind(), ErrorKind::kInvalidRedirect);
    EXPECT_EQ(outcome.error->url(), server_.url("/bad"));
    EXPECT_EQ(outcome.error->request_id(), "id-1");
  }
}

TEST_F(ExchangeRedirectTest, FollowsRawUtf8) {
  // B26: an error in the gem.
  redirect("/from", 302, "/caf\xc3\xa9");
  EXPECT_EQ(run({.url = server_.url("/from")}).response->url(), server_.url("/caf%C3%A9"));
}

TEST_F(ExchangeRedirectTest, FollowsNoOtherStatus) {
  for (const int status : {300, 304, 305, 306}) {
    redirect("/status", status, "/final");
    EXPECT_EQ(run({.url = server_.url("/status")}).response->status(), status);
  }
}

TEST_F(ExchangeRedirectTest, RaisesWhatStandsAtTheEnd) {
  redirect("/from", 302, "/404");
  server_.answer("/404", 404, "");
  const RecordedOutcome outcome = run({.url = server_.url("/from")}, true);
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->class_name(), "PatientHttp::ClientError");
  EXPECT_EQ(outcome.error->if_http_error()->response().redirects(),
            std::vector<std::string>{server_.url("/from")});
}

TEST_F(ExchangeRedirectTest, BoundsAllHopsByOneTimeout) {
  redirect("/from", 302, "/hang");
  server_.hang("/hang");
  const RecordedOutcome outcome = run({.url = server_.url("/from"), .timeout = Seconds{0.3}});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->kind(), ErrorKind::kTotalTimeout);
  EXPECT_EQ(outcome.error->url(), server_.url("/hang"));
  // B24: the duration is that of the whole request.
  EXPECT_GE(outcome.error->duration()->count(), 0.3);
}

TEST_F(ExchangeRedirectTest, ReadsNoLargeBodyOfARedirect) {
  server_.on("/endless", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 302 Found\r\nlocation: /final\r\n\r\n");
    const std::string block(1 << 16, 'x');
    while (peer.send(block)) {
    }
  });
  EXPECT_EQ(run({.url = server_.url("/endless")}).response->body(), "ok");
  server_.answer("/large", 302, std::string(100'000, 'x'), "location: /final\r\n");
  EXPECT_EQ(run({.url = server_.url("/large")}).response->body(), "ok");
}

}  // namespace
}  // namespace patient_http
