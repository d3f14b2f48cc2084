// What becomes of the responses that servers send, well-formed or not: each ends in the right
// response or in a typed error.

#include <gtest/gtest.h>

#include "base/text.h"
#include "drivers/codec/gzip.h"
#include "patient_http/inline_executor.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;

class ResponseTest : public testing::Test {
 protected:
  Result<Response, Error> send(const std::string& path, ProcessorOptions options = {}) {
    options.request_timeout = Seconds{20};
    InlineExecutor executor(options);
    return executor.send(Request::create({.url = server_.url(path)}).value());
  }

  // The body that comes of these bytes, or the kind of the error.
  std::string result_of(const std::string& bytes, ProcessorOptions options = {}) {
    server_.answer_raw("/raw", bytes);
    options.retries = 0;
    const auto result = send("/raw", options);
    if (result) return result->body().value_or("(none)");
    return "error " + std::string(to_string(result.error().kind()));
  }

  TestHttpServer server_;
};

TEST_F(ResponseTest, ReadsEveryFraming) {
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"), "abc");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                      "2\r\nab\r\n1;ext=1\r\nc\r\n0\r\nx-trailer: 1\r\n\r\n"),
            "abc");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\n\r\nuntil the end"), "until the end");
  EXPECT_EQ(result_of("HTTP/1.0 200 OK\r\n\r\nold"), "old");
  EXPECT_EQ(result_of("HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx"), "x");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 99\r\n\r\n"
                      "1\r\na\r\n0\r\n\r\n"),
            "a");
}

TEST_F(ResponseTest, KnowsWhichResponsesHaveNoBody) {
  EXPECT_EQ(result_of("HTTP/1.1 204 No Content\r\n\r\n"), "(none)");
  EXPECT_EQ(result_of("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"), "(none)");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), "(none)");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-encoding: gzip\r\n\r\n"),
            "(none)");
}

TEST_F(ResponseTest, SkipsInformationalResponses) {
  EXPECT_EQ(result_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
                      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
            "ok");
  EXPECT_EQ(
      result_of("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
      "error protocol");
}

TEST_F(ResponseTest, TellsMalformedFromCutOffResponses) {
  EXPECT_EQ(result_of("SMTP 220 hello\r\n\r\n"), "error protocol");
  EXPECT_EQ(result_of("HTTP/1.1 two hundred\r\n\r\n"), "error protocol");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"), "error protocol");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc"),
            "error protocol");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
            "error protocol");
  EXPECT_EQ(result_of(""), "error closed");
  EXPECT_EQ(result_of("HTTP/1.1 20"), "error closed");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"), "error closed");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab"),
            "error closed");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n"),
            "error closed");
}

TEST_F(ResponseTest, DecodesCompressedBodiesAndDropsTheirHeaders) {
  const std::string text(50'000, 'x');
  server_.answer("/gzip", 200, codec::gzip(text),
                 "content-encoding: gzip\r\ncontent-type: text/plain\r\n");

  const auto response = send("/gzip");

  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body(), text);
  EXPECT_EQ(response->headers().entries().size(), 1U);
  EXPECT_EQ(server_.requests()[0].header("accept-encoding"),
            std::vector<std::string>{"gzip, deflate, br, zstd"});
}

TEST_F(ResponseTest, UndoesEveryCodingThatItAccepts) {
  const std::string hello = "hello hello hello hello";
  const std::string brotli = *base::base64_decode("GxYAACRAahBl6vCcPg==");
  const std::string zstd = *base::base64_decode("KLUv/QBQZQAAMGhlbGxvIAEAmUsR");
  const auto body_of = [this](const std::string& encoding, const std::string& body) {
    return result_of("HTTP/1.1 200 OK\r\ncontent-encoding: " + encoding + "\r\n\r\n" + body);
  };
  EXPECT_EQ(body_of("br", brotli), hello);
  EXPECT_EQ(body_of("zstd", zstd), hello);
  EXPECT_EQ(body_of("br\r\ncontent-encoding: gzip", codec::gzip(brotli)), hello);
  EXPECT_EQ(body_of("br", "not br"), "error decode");
  EXPECT_EQ(body_of("zstd", zstd.substr(0, 12)), "error decode");
}

TEST_F(ResponseTest, KeepsBodiesInAnUnknownEncodingAsTheyCame) {
  server_.answer("/lzw", 200, "raw", "content-encoding: compress\r\n");
  const auto response = send("/lzw");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body(), "raw");
  EXPECT_EQ(response->headers().get("content-encoding"), "compress");
}

TEST_F(ResponseTest, RefusesBodiesThatAreNotWhatTheirEncodingSays) {
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nnot gzip at all"),
            "error decode");
  const std::string cut = codec::gzip("some text").substr(0, 12);
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + cut), "error decode");
}

TEST_F(ResponseTest, BoundsTheBodyOnTheWireAndAfterInflating) {
  const ProcessorOptions options{.max_response_size = 1000};
  const auto length = [](const std::string& body) {
    return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  EXPECT_EQ(result_of(length(std::string(1000, 'a')), options), std::string(1000, 'a'));
  EXPECT_EQ(result_of(length(std::string(1001, 'a')), options), "error response_too_large");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'a'), options),
            "error response_too_large");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" +
                          codec::gzip(std::string(1'000'000, 'a')),
                      options),
            "error response_too_large");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" +
                          codec::gzip(std::string(1000, 'a')),
                      options),
            std::string(1000, 'a'));
}

TEST_F(ResponseTest, StopsAtTheLimitOfABombWithoutReadingItsRest) {
  // An endless body: the server sends until the client has had enough.
  server_.on("/endless", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    const std::string block(1 << 16, 'x');
    while (peer.send(block)) {
    }
  });
  const auto result = send("/endless");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kResponseTooLarge);
  EXPECT_EQ(result.error().class_name(), "PatientHttp::ResponseTooLargeError");
}

TEST_F(ResponseTest, BoundsHeadersAndTrailers) {
  const ProcessorOptions options{.max_header_size = 4096, .max_header_count = 20};
  std::string many;
  for (int i = 0; i < 21; ++i) many += "x" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\n" + many + "\r\n", options), "error headers_too_large");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\nx: " + std::string(5000, 'a') + "\r\n\r\n", options),
            "error headers_too_large");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + many + "\r\n",
                      options),
            "error headers_too_large");
  EXPECT_EQ(result_of("HTTP/1.1 200 " + std::string(200'000, 'a'), options),
            "error headers_too_large");
}

TEST_F(ResponseTest, JoinsRepeatedHeadersAsTheGemDoes) {
  server_.answer(
      "/multi", 200, "ok",
      "set-cookie: a=1; Path=/\r\nset-cookie: b=2\r\nvary: accept\r\nvary: origin\r\nx-empty:\r\n");
  const auto response = send("/multi");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->headers().get("set-cookie"), "a=1; Path=/\nb=2");
  EXPECT_EQ(response->headers().get("vary"), "accept,origin");
  EXPECT_EQ(response->headers().get("x-empty"), "");
}

TEST_F(ResponseTest, DeliversHeadersAndBodiesThatAreNotUtf8) {
  server_.answer("/latin1", 200, "caf\xe9", "content-type: text/plain\r\nx-a: caf\xe9\r\n");
  const auto response = send("/latin1");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body(), "caf\xe9");
  EXPECT_TRUE(Json::parse(response->to_json().dump()).has_value());
}

TEST_F(ResponseTest, SendsBodiesLargerThanTheSocketTakesAtOnce) {
  InlineExecutor executor(ProcessorOptions{.request_timeout = Seconds{20}});
  server_.on("/upload", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(TestHttpServer::response(200, "done"));
  });
  const auto whole = executor.send(Request::create({.method = HttpMethod::kPost,
                                                    .url = server_.url("/upload"),
                                                    .body = std::string(5'000'000, 'x')})
                                       .value());
  ASSERT_TRUE(whole.has_value()) << whole.error().message();
  EXPECT_EQ(server_.requests().back().body.size(), 5'000'000U);
}

TEST_F(ResponseTest, ReusesAConnectionOnlyWhenNothingFollowsTheResponse) {
  InlineExecutor executor;
  const auto get = [&](const std::string& path) {
    return executor.send(Request::create({.url = server_.url(path)}).value());
  };
  server_.on("/extra", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(TestHttpServer::response(200, "ok") +
              "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
  });
  ASSERT_TRUE(get("/").has_value());
  ASSERT_TRUE(get("/").has_value());
  EXPECT_EQ(server_.requests()[1].connection, 1);
  ASSERT_TRUE(get("/extra").has_value());
  const auto next = get("/");
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->body(), "ok");
  EXPECT_EQ(server_.requests()[3].connection, 2);
}

}  // namespace
}  // namespace patient_http
