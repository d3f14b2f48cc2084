// What goes over the wire, and what is made of what comes back: the exchanges that were recorded
// from the Ruby gem (tests/data/golden/http_exchanges.json), as this library has them. A B and a
// number name the defect of the gem that it does not share (docs/checklist.md).

#include <gtest/gtest.h>

#include "drivers/codec/gzip.h"
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

class ExchangeTest : public testing::Test {
 protected:
  static ProcessorOptions options() {
    return {.request_timeout = Seconds{20}, .max_response_size = 200'000, .retries = 0};
  }

  // Carries out a request under the id "id-1".
  RecordedOutcome run(RequestOptions request, std::optional<bool> raises = std::nullopt) {
    RecordingTaskHandler handler;
    executor_.execute(
        make_task(std::move(request), handler,
                  {.id = "id-1",
                   .callback_args = CallbackArgs::create(Json::object({{"k", 1}})).value(),
                   .raise_error_responses = raises}));
    return handler.wait_for(1).at(0);
  }
  // The head that the server received, without the host line, which has a port.
  std::string head_of(RequestOptions request) {
    if (request.url.empty()) request.url = server_.url("/plain");
    const RecordedOutcome outcome = run(std::move(request));
    EXPECT_TRUE(outcome.response.has_value());
    std::string head = server_.requests().back().head;
    const std::string host = "host: 127.0.0.1:" + std::to_string(server_.port()) + "\r\n";
    const std::size_t at = head.find(host);
    return at == std::string::npos ? head : head.erase(at, host.size());
  }
  // The kind and the type of the failure that a response of these bytes ends in.
  std::string failure_of(const std::string& bytes) {
    server_.answer_raw("/raw", bytes);
    const RecordedOutcome outcome = run({.url = server_.url("/raw")});
    if (!outcome.error) return "a response";
    return std::string(to_string(outcome.error->kind())) + " " +
           std::string(outcome.error->error_type()) + " " +
           std::string(outcome.error->class_name());
  }

  TestHttpServer server_;
  InlineExecutor executor_{options()};
};

TEST_F(ExchangeTest, SendsAGet) {
  // B22: no content-length on a GET.
  EXPECT_EQ(head_of({.url = server_.url("/plain?a=1&b=c%20d")}),
            "GET /plain?a=1&b=c%20d HTTP/1.1\r\nx-request-id: id-1\r\nuser-agent: PatientHttp\r\n"
            "accept-encoding: gzip, deflate, br, zstd\r\n\r\n");
  EXPECT_EQ(server_.requests()[0].header("host"),
            std::vector<std::string>{"127.0.0.1:" + std::to_string(server_.port())});
}

TEST_F(ExchangeTest, SendsWhatAUrlMeans) {
  const auto target_of = [&](const std::string& suffix) {
    const std::string head = head_of({.url = server_.url(suffix)});
    return head.substr(4, head.find(" HTTP") - 4);
  };
  EXPECT_EQ(target_of("/plain?a=1#frag"), "/plain?a=1");
  EXPECT_EQ(target_of(""), "/");
  EXPECT_EQ(target_of("?q=1"), "/?q=1");
}

TEST_F(ExchangeTest, SendsTheUsersHeadersInsteadOfItsOwn) {
  // B22: the gem sends a given host beside its own.
  EXPECT_EQ(head_of({.headers = {{"Host", "evil.example"},
                                 {"Accept", "application/json"},
                                 {"User-Agent", "UA/1"},
                                 {"X-Request-Id", "mine"},
                                 {"Accept-Encoding", "identity"}}}),
            "GET /plain HTTP/1.1\r\nhost: evil.example\r\naccept: application/json\r\n"
            "user-agent: UA/1\r\nx-request-id: id-1\r\naccept-encoding: identity\r\n\r\n");
}

TEST_F(ExchangeTest, SendsAnArrayAsALineEachAndNullNotAtAll) {
  // B22: the gem sends `["a", "b"]`, and an empty line for null.
  HttpHeaders headers;
  headers.set("x-arr", std::vector<std::string>{"a", "b"});
  headers.set("x-nil", {});
  EXPECT_EQ(head_of({.headers = headers}),
            "GET /plain HTTP/1.1\r\nx-arr: a\r\nx-arr: b\r\nx-request-id: id-1\r\n"
            "user-agent: PatientHttp\r\naccept-encoding: gzip, deflate, br, zstd\r\n\r\n");
}

TEST_F(ExchangeTest, SendsHeaderBytesAsTheyAre) {
  head_of({.headers = {{"X-U", "\xc3\xa9"}}});
  EXPECT_EQ(server_.requests()[0].header("x-u"), std::vector<std::string>{"\xc3\xa9"});
}

TEST_F(ExchangeTest, SendsUserinfoAsBasicAuthorization) {
  // B22: the gem drops it.
  const std::string url = "http://user:pass@127.0.0.1:" + std::to_string(server_.port()) + "/x";
  EXPECT_EQ(head_of({.url = url}),
            "GET /x HTTP/1.1\r\nauthorization: Basic dXNlcjpwYXNz\r\nx-request-id: id-1\r\n"
            "user-agent: PatientHttp\r\naccept-encoding: gzip, deflate, br, zstd\r\n\r\n");
}

TEST_F(ExchangeTest, SendsBodiesWithTheirLength) {
  EXPECT_EQ(head_of({.method = HttpMethod::kPost, .json = Json::object({{"a", "\xc3\xa9"}})}),
            "POST /plain HTTP/1.1\r\ncontent-type: application/json; charset=utf-8\r\n"
            "x-request-id: id-1\r\nuser-agent: PatientHttp\r\naccept-encoding: gzip, deflate, br, "
            "zstd\r\n"
            "content-length: 10\r\n\r\n");
  EXPECT_EQ(server_.requests().back().body, "{\"a\":\"\xc3\xa9\"}");
  head_of({.method = HttpMethod::kPut, .body = std::string("\0\xff\x01", 3)});
  EXPECT_EQ(server_.requests().back().body, std::string("\0\xff\x01", 3));
  head_of({.method = HttpMethod::kPatch, .json = Json::array({1})});
  EXPECT_EQ(server_.requests().back().method, "PATCH");
  EXPECT_EQ(server_.requests().back().body, "[1]");
  head_of({.method = HttpMethod::kPost, .body = std::string(100'000, 'z')});
  EXPECT_EQ(server_.requests().back().body, std::string(100'000, 'z'));
}

TEST_F(ExchangeTest, SaysThatAPostHasNoBodyAndNothingOnADelete) {
  head_of({.method = HttpMethod::kPost});
  EXPECT_EQ(server_.requests().back().header("content-length"), std::vector<std::string>{"0"});
  head_of({.method = HttpMethod::kDelete});
  EXPECT_EQ(server_.requests().back().method, "DELETE");
  EXPECT_TRUE(server_.requests().back().header("content-length").empty());
}

TEST_F(ExchangeTest, CountsTheBodyItself) {
  // B22: the gem sends a given content-length beside its own, and the server reads "hel".
  head_of({.method = HttpMethod::kPost, .headers = {{"Content-Length", "3"}}, .body = "hello"});
  EXPECT_EQ(server_.requests().back().header("content-length"), std::vector<std::string>{"5"});
  EXPECT_EQ(server_.requests().back().body, "hello");
}

TEST_F(ExchangeTest, DeliversTheResponseWithAllItsAttributes) {
  server_.answer("/json", 200, R"({"s":1})", "content-type: application/json\r\nX-A: 1\r\n");
  const RecordedOutcome outcome =
      run({.method = HttpMethod::kPost, .url = server_.url("/json?q"), .body = "b"});
  ASSERT_TRUE(outcome.response.has_value());
  Json json = outcome.response->to_json();
  EXPECT_GT(json.find("duration")->to_double(), 0.0);
  json.set("duration", 0.5);
  EXPECT_EQ(json.dump(),
            R"({"status":200,"headers":{"content-type":"application/json","x-a":"1"},)"
            R"("body":{"encoding":"text","value":"{\"s\":1}","charset":"UTF-8"},"duration":0.5,)"
            R"("request_id":"id-1","url":")" +
                server_.url("/json?q") +
                R"(","http_method":"post","callback_args":{"k":1},"redirects":[]})");
}

TEST_F(ExchangeTest, DeliversEveryStatusAsAResponse) {
  for (const int status : {201, 204, 300, 304, 404, 418, 429, 500, 503}) {
    server_.answer("/status", status, "");
    const RecordedOutcome outcome = run({.url = server_.url("/status")});
    ASSERT_TRUE(outcome.response.has_value()) << status;
    EXPECT_EQ(outcome.response->status(), status);
    EXPECT_EQ(outcome.response->body(), std::nullopt);
  }
}

TEST_F(ExchangeTest, RaisesResponsesThatAreNoSuccessWhenAsked) {
  const auto raised = [&](int status, std::optional<bool> raises) {
    server_.answer("/status", status, "");
    const RecordedOutcome outcome = run({.url = server_.url("/status")}, raises);
    return outcome.error ? std::string(outcome.error->class_name()) : "";
  };
  EXPECT_EQ(raised(200, true), "");
  EXPECT_EQ(raised(204, true), "");
  EXPECT_EQ(raised(304, true), "PatientHttp::HttpError");
  EXPECT_EQ(raised(404, true), "PatientHttp::ClientError");
  EXPECT_EQ(raised(500, true), "PatientHttp::ServerError");
  EXPECT_EQ(raised(500, false), "");
  EXPECT_EQ(raised(500, std::nullopt), "");
}

TEST_F(ExchangeTest, KeepsTheResponseInTheErrorThatItRaises) {
  server_.answer("/404", 404, "gone", "content-type: text/plain\r\n");
  const RecordedOutcome outcome = run({.url = server_.url("/404")}, true);
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->error_type(), "http_error");
  EXPECT_EQ(outcome.error->message(), "HTTP 404 response from GET " + server_.url("/404"));
  EXPECT_EQ(outcome.error->if_http_error()->response().body(), "gone");
  EXPECT_EQ(outcome.error->callback_args().fetch("k").to_int64(), 1);
}

TEST_F(ExchangeTest, ReadsBodiesOfEveryFramingAndEncoding) {
  const auto body_of = [&](const std::string& bytes) {
    server_.answer_raw("/raw", bytes);
    const RecordedOutcome outcome = run({.url = server_.url("/raw")});
    return outcome.response ? outcome.response->body().value_or("") : outcome.error->message();
  };
  const std::string gzipped = codec::gzip("text");
  EXPECT_EQ(body_of("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + gzipped), "text");
  EXPECT_EQ(body_of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                    "2\r\nab\r\n0\r\nx-trailer: 1\r\n\r\n"),
            "ab");
  EXPECT_EQ(body_of("HTTP/1.0 200 OK\r\n\r\nold"), "old");
  EXPECT_EQ(body_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx"),
            "x");
  const std::string exact(200'000, 'e');
  EXPECT_EQ(body_of("HTTP/1.1 200 OK\r\n\r\n" + exact), exact);
}

TEST_F(ExchangeTest, JoinsRepeatedHeaders) {
  server_.answer("/multi", 200, "",
                 "x-dup: 1\r\nx-dup: 2\r\nset-cookie: a=1; Path=/\r\n"
                 "set-cookie: b=2\r\nx-empty:\r\nx-utf: \xc3\xa9\r\n");
  const HttpHeaders headers = run({.url = server_.url("/multi")}).response->headers();
  EXPECT_EQ(headers.get("x-dup"), "1,2");
  EXPECT_EQ(headers.get("set-cookie"), "a=1; Path=/\nb=2");
  EXPECT_EQ(headers.get("x-empty"), "");
  EXPECT_EQ(headers.get("x-utf"), "\xc3\xa9");
}

TEST_F(ExchangeTest, NamesFailuresAsRubyDoes) {
  EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\ncontent-length: 200001\r\n\r\n"),
            "response_too_large response_too_large PatientHttp::ResponseTooLargeError");
  EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\n\r\n" + std::string(200'001, 'x')),
            "response_too_large response_too_large PatientHttp::ResponseTooLargeError");
  EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"),
            "closed connection EOFError");
  EXPECT_EQ(failure_of(""), "closed connection EOFError");
  // B23: a status line that is none and data that is no gzip are `unknown` in the gem.
  EXPECT_EQ(failure_of("garbage\r\n\r\n"), "protocol connection StandardError");
  EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nnot gzip"),
            "decode connection StandardError");
}

TEST_F(ExchangeTest, NamesFailuresToConnectAsRubyDoes) {
  const auto type_of = [&](const std::string& url) {
    const Error error = *run({.url = url}).error;
    return std::string(error.error_type()) + " " + std::string(error.class_name());
  };
  EXPECT_EQ(type_of("http://127.0.0.1:1/x"), "connection Errno::ECONNREFUSED");
  EXPECT_EQ(type_of("http://no-such-host.invalid/x"), "connection SocketError");
  // A server that answers a TLS handshake in plain text.
  server_.greet("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(type_of("https://127.0.0.1:" + std::to_string(server_.port()) + "/x"),
            "ssl OpenSSL::SSL::SSLError");
}

TEST_F(ExchangeTest, NamesTimeoutsAsRubyDoes) {
  server_.hang("/slowhead");
  server_.on("/slowbody", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfirst");
    peer.wait_for_peer_to_close();
  });
  for (const char* path : {"/slowhead", "/slowbody"}) {
    const RecordedOutcome outcome = run({.url = server_.url(path), .timeout = Seconds{0.2}});
    ASSERT_TRUE(outcome.error.has_value());
    EXPECT_EQ(outcome.error->error_type(), "timeout");
    EXPECT_EQ(outcome.error->class_name(), "Async::TimeoutError");
    EXPECT_GE(outcome.error->duration()->count(), 0.2);
    EXPECT_LT(outcome.error->duration()->count(), 10);
  }
}

TEST_F(ExchangeTest, DeliversTheErrorWithAllItsAttributes) {
  const RecordedOutcome outcome =
      run({.method = HttpMethod::kPut, .url = "http://127.0.0.1:1/x?q=1"});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->request_id(), "id-1");
  EXPECT_EQ(outcome.error->url(), "http://127.0.0.1:1/x?q=1");
  EXPECT_EQ(outcome.error->if_request_error()->method(), "put");
  EXPECT_EQ(outcome.error->callback_args().fetch("k").to_int64(), 1);
}

TEST_F(ExchangeTest, UsesTheConnectionOfTheRequestBefore) {
  run({.url = server_.url("/plain")});
  run({.method = HttpMethod::kPost, .url = server_.url("/plain"), .body = "x"});
  server_.answer("/500", 500, "no");
  run({.url = server_.url("/500")});
  run({.url = server_.url("/plain")});
  EXPECT_EQ(server_.connection_count(), 1);
}

TEST_F(ExchangeTest, OpensAnotherConnectionAfterOneThatEnds) {
  for (const char* bytes : {"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
                            "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"}) {
    const int before = server_.connection_count();
    server_.on("/ends",
               [bytes](const ReceivedRequest&, ServerConnection& peer) { peer.send(bytes); });
    run({.url = server_.url("/ends")});
    run({.url = server_.url("/plain")});
    EXPECT_EQ(server_.requests().back().connection, server_.connection_count());
    EXPECT_GT(server_.connection_count(), before);
  }
}

TEST_F(ExchangeTest, SurvivesAnInformationalResponseWithABody) {
  // A 1xx has no body. One that claimed it crashed the process that asked.
  server_.answer_raw("/hints",
                     "HTTP/1.1 103 Early Hints\r\ncontent-length: 5\r\n\r\n"
                     "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  EXPECT_EQ(run({.url = server_.url("/hints")}).response->body(), "ok");
}

TEST_F(ExchangeTest, TakesNoOffenceAtTheLengthOfABodyThatIsNotSent) {
  // A 304 may say how long the body would be: that is no reason to call it too large.
  server_.answer_raw("/304", "HTTP/1.1 304 Not Modified\r\ncontent-length: 999999999\r\n\r\n");
  EXPECT_EQ(run({.url = server_.url("/304")}).response->status(), 304);
}

}  // namespace
}  // namespace patient_http
