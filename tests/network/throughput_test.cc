// Peers that keep a body moving, but hardly: min_throughput.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <thread>

#include "drivers/net/address.h"
#include "drivers/net/fd.h"
#include "network/neighbours.h"
#include "patient_http/inline_executor.h"
#include "support/test_http2_server.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::Http2Peer;
using test::Http2Received;
using test::outcome_among_neighbours;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttp2Server;
using test::TestHttpServer;

constexpr std::size_t kMegabyte = 1'000'000;

ProcessorOptions options_with(std::size_t min_throughput, Seconds time) {
  ProcessorOptions options{.request_timeout = Seconds{60}, .retries = 0};
  options.min_throughput = min_throughput;
  options.min_throughput_time = time;
  return options;
}

// What became of a request to `url`, which is expected to fail, within 20 s.
Error failure_of(InlineExecutor& executor, RequestOptions request) {
  const auto began = steady_clock::now();
  auto result = executor.send(Request::create(std::move(request)).value());
  EXPECT_LT(steady_clock::now() - began, 20s);
  if (result) {
    ADD_FAILURE() << "a response: " << result->status();
    return RequestError(RequestErrorOptions{});
  }
  return std::move(result.error());
}

// Reads a request of one connection at some 1.6 MB/s, and answers it then.
class SlowReader {
 public:
  SlowReader() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const net::Address any = net::Address::parse("127.0.0.1", 0).value();
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    const int small = 32 * 1024;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (::bind(listener_.get(), any.get(), any.length()) != 0 ||
        ::listen(listener_.get(), 1) != 0 ||
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
      throw std::runtime_error("cannot listen");
    }
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(bound.sin_port)) + "/";
  }
  ~SlowReader() {
    if (thread_.joinable()) thread_.join();
  }
  SlowReader(const SlowReader&) = delete;
  SlowReader& operator=(const SlowReader&) = delete;

  // Reads `bytes`, or until the other end closes.
  void read(std::size_t bytes) {
    thread_ = std::thread([this, bytes] {
      const net::Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      std::array<char, 16 * 1024> buffer;
      for (std::size_t got = 0; got < bytes;) {
        const ssize_t more = ::recv(peer.get(), buffer.data(), buffer.size(), 0);
        if (more <= 0) return;
        got += static_cast<std::size_t>(more);
        std::this_thread::sleep_for(10ms);  // its pace, which is what is tested
      }
      const std::string answer = TestHttpServer::response(200, "read");
      ::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    });
  }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  net::Fd listener_;
  std::string url_;
  std::thread thread_;
};

TEST(ThroughputTest, EndsABodyThatDripsWhileItsNeighboursGoOn) {
  TestHttpServer server;
  server.on("/", [&server](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\n\r\n" + std::string(kMegabyte / 10, 'f'));
    while (!server.wait_for_release(2s) && peer.send(".")) {
    }
  });
  // The neighbours get some 20 bytes a second, or as many as there is time for.
  ProcessorOptions options = options_with(2, Seconds{3});
  options.idle_timeout = Seconds{30};
  const auto outcome = outcome_among_neighbours({.url = server.url("/")}, options);
  EXPECT_EQ(outcome.text, "error throughput_timeout") << outcome.message;
  EXPECT_NE(outcome.message.find("min_throughput asks for 2 a second"), std::string::npos)
      << outcome.message;
  EXPECT_GE(outcome.took.count(), 3);
  EXPECT_LT(outcome.took.count(), 20);
}

TEST(ThroughputTest, CountsNoChunksWithoutData) {
  TestHttpServer server;
  server.on("/", [&server](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;");
    while (!server.wait_for_release(1ms) && peer.send(std::string(10, 'x'))) {
    }
  });
  InlineExecutor executor(options_with(100, Seconds{0.5}));
  const Error error = failure_of(executor, {.url = server.url("/")});
  EXPECT_EQ(error.kind(), ErrorKind::kThroughputTimeout) << error.message();
}

TEST(ThroughputTest, LetsAServerThinkBeforeItAnswers) {
  TestHttpServer server;
  server.on("/", [&server](const ReceivedRequest&, ServerConnection& peer) {
    static_cast<void>(server.wait_for_release(1s));
    peer.send(TestHttpServer::response(200, "thought"));
  });
  InlineExecutor executor(options_with(1'000'000, Seconds{0.2}));
  const auto response = executor.send(Request::create({.url = server.url("/")}).value());
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body(), "thought");
}

TEST(ThroughputTest, EndsARequestThatNobodyReads) {
  TestHttpServer server;
  server.on_head(
      "/", [&server](const ReceivedRequest&, ServerConnection&) { server.wait_for_release(); });
  InlineExecutor executor(options_with(1000, Seconds{0.5}));
  const Error error = failure_of(executor, {.method = HttpMethod::kPost,
                                            .url = server.url("/"),
                                            .body = std::string(32 * kMegabyte, 'b')});
  server.release();
  EXPECT_EQ(error.kind(), ErrorKind::kThroughputTimeout) << error.message();
  EXPECT_NE(error.message().find("failed in phase send"), std::string::npos) << error.message();
}

TEST(ThroughputTest, SeesWhatTheKernelSendsWhileItTakesNoMore) {
  // It takes megabytes at once and then nothing for seconds, though the peer reads steadily.
  SlowReader peer;
  const std::size_t size = 8 * kMegabyte;
  peer.read(size);
  InlineExecutor executor(options_with(300'000, Seconds{0.3}));
  const auto response = executor.send(
      Request::create(
          {.method = HttpMethod::kPost, .url = peer.url(), .body = std::string(size, 'b')})
          .value());
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body(), "read");
}

TEST(ThroughputTest, EndsAnHttp2BodyThatStops) {
  constexpr std::uint8_t kHeaders = 1;
  constexpr std::uint8_t kEndHeaders = 4;
  TestHttp2Server server({.is_tls = false});
  server.on("/", [](const Http2Received& request, Http2Peer& peer) {
    peer.raw(TestHttp2Server::frame(kHeaders, kEndHeaders, request.stream, "\x88") +
             TestHttp2Server::frame(0, 0, request.stream, "some"));
  });
  ProcessorOptions options = options_with(1000, Seconds{0.3});
  options.protocol = HttpProtocol::kHttp2;
  InlineExecutor executor(options);
  const Error error = failure_of(executor, {.url = server.url("/")});
  EXPECT_EQ(error.kind(), ErrorKind::kThroughputTimeout) << error.message();
  EXPECT_TRUE(server.wait_for_resets(1));
}

TEST(ThroughputTest, EndsAnHttp2RequestWhoseWindowStaysShut) {
  TestHttp2Server server({.is_tls = false, .stream_window = 0});
  ProcessorOptions options = options_with(1000, Seconds{0.3});
  options.protocol = HttpProtocol::kHttp2;
  InlineExecutor executor(options);
  // Afterwards the server's settings are known.
  ASSERT_TRUE(executor.send(Request::create({.url = server.url("/")}).value()).has_value());
  const Error error = failure_of(
      executor,
      {.method = HttpMethod::kPost, .url = server.url("/"), .body = std::string(100'000, 'b')});
  EXPECT_EQ(error.kind(), ErrorKind::kThroughputTimeout) << error.message();
  EXPECT_NE(error.message().find("failed in phase send"), std::string::npos) << error.message();
  EXPECT_EQ(server.connection_count(), 1);
}

}  // namespace
}  // namespace patient_http
