#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/test_certificate.h"

namespace patient_http::test {

using Http2Headers = std::vector<std::pair<std::string, std::string>>;

// A request as it came in on a stream.
struct Http2Received {
  int connection = 0;  // counted from 1, in the order of accepting
  std::int32_t stream = 0;
  Http2Headers headers;  // with :method, :scheme, :authority and :path
  std::string body;

  [[nodiscard]] std::string header(std::string_view name) const;
};

// One accepted connection, for handlers. Belongs to its thread.
class Http2Peer {
 public:
  virtual ~Http2Peer() = default;
  virtual void respond(std::int32_t stream, int status, std::string body,
                       const Http2Headers& headers = {}) = 0;
  virtual void reset(std::int32_t stream, std::uint32_t code) = 0;
  virtual void goaway(std::int32_t last_stream, std::uint32_t code) = 0;
  virtual void set_stream_limit(std::uint32_t limit) = 0;
  // Bytes as they are, behind what nghttp2 has to send.
  virtual void raw(std::string bytes) = 0;
  // Ends the connection when all is sent.
  virtual void close() = 0;
};

struct Http2ServerOptions {
  bool is_tls = true;
  std::optional<std::uint32_t> stream_limit = std::nullopt;
  std::optional<std::uint32_t> stream_window = std::nullopt;
  bool acknowledges_pings = true;
  int hanging_handshakes = 0;  // of the first connections: no answer until the peer closes
};

// A real HTTP/2 server on 127.0.0.1, nghttp2's, with a thread per connection. It answers by path,
// when a request is whole; unknown paths get 200 and "ok". With TLS it refuses clients that do not
// offer h2.
class TestHttp2Server {
 public:
  using Handler = std::function<void(const Http2Received&, Http2Peer&)>;

  explicit TestHttp2Server(Http2ServerOptions options = {});
  ~TestHttp2Server();
  TestHttp2Server(const TestHttp2Server&) = delete;
  TestHttp2Server& operator=(const TestHttp2Server&) = delete;

  // Before requests for it come.
  void on(const std::string& path, Handler handler);
  void hang(const std::string& path);
  // Called on the thread of each connection that is open.
  void with_peers(const std::function<void(Http2Peer&)>& call);

  [[nodiscard]] std::string url(std::string_view path) const;
  [[nodiscard]] std::vector<Http2Received> requests() const;
  [[nodiscard]] int connection_count() const;
  // Waits until the count is reached; false after 20 s.
  [[nodiscard]] bool wait_for_requests(std::size_t count) const;
  // RST_STREAM frames that came.
  [[nodiscard]] bool wait_for_resets(std::size_t count) const;

  // A frame of any type, for raw().
  [[nodiscard]] static std::string frame(std::uint8_t type, std::uint8_t flags, std::int32_t stream,
                                         std::string_view payload);

 private:
  class Connection;
  struct Tls;

  void accept_all();
  void note_reset();
  [[nodiscard]] Handler take_request(const Http2Received& request);

  const Http2ServerOptions options_;
  int listener_ = -1;
  int port_ = 0;
  std::unique_ptr<Tls> tls_;
  std::thread acceptor_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, Handler, std::less<>> handlers_;
  std::vector<Http2Received> requests_;
  std::size_t resets_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace patient_http::test
