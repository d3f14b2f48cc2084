#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "support/slow_exchange.h"
#include "support/slow_server.h"
#include "support/slow_socket.h"

namespace patient_http::test {

// A connection of HTTP/2: each stream is answered when its time has come. Any of its calls may end
// with SlowServer::close(), which destroys it; they say so by returning false.
class SlowServer::Http2Connection final : public net::ReadyHandler {
 public:
  // Throws std::runtime_error when nghttp2 has no memory.
  Http2Connection(SlowServer& server, SlowSocket socket);
  ~Http2Connection() override;

  // Takes what came in, and sends what there is to send.
  bool take(std::string_view bytes);

 private:
  struct Stream {
    Stream(Http2Connection& connection, std::int32_t stream_id)
        : id(stream_id), delay([&connection, this] { connection.answer_late(*this); }) {}

    const std::int32_t id;
    std::string method, target, request_id;
    std::size_t body_size = 0;
    SlowAnswer answer;
    std::string body;  // of the answer
    std::size_t sent = 0;
    net::Timer delay;
  };
  struct FreeSession {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  void on_ready(net::Interest ready) override;
  [[nodiscard]] Stream& stream(std::int32_t id);
  void on_header(std::int32_t id, std::string_view name, std::string_view value);
  void on_request(Stream& stream);
  void answer(Stream& stream);
  void submit(Stream& stream, std::string_view length, bool is_gzip);
  void answer_late(Stream& stream);
  bool send();

  static nghttp2_session_callbacks* callbacks();

  SlowServer& server_;
  SlowSocket socket_;
  net::Watch watch_;
  std::unordered_map<std::int32_t, std::unique_ptr<Stream>> streams_;
  std::unique_ptr<nghttp2_session, FreeSession> session_;
  std::string out_;
  std::size_t sent_ = 0;
};

}  // namespace patient_http::test
