#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "drivers/http2/http2_session.h"
#include "drivers/net/event_loop.h"
#include "drivers/net/stream.h"
#include "engine/exchange.h"

namespace patient_http::engine {

struct Http2Options {
  http2::HeadLimits head_limits = {};
  // After this long without a byte from the server, while streams are open, it is sent a PING; if
  // nothing comes within `ping_timeout`, the connection is dead.
  std::chrono::steady_clock::duration ping_interval = std::chrono::seconds(30);
  std::chrono::steady_clock::duration ping_timeout = std::chrono::seconds(10);
  // Whether HTTP/1.1 may be used instead, when the server wants it.
  bool may_fall_back = false;
};

// An HTTP/2 connection: a stream for each exchange. What is submitted in one turn of the loop is
// written together.
class Http2Connection final : public HttpConnection,
                              private net::ReadyHandler,
                              private http2::SessionHandler {
 public:
  // `loop`, `buffers` and `owner` must outlive this object. `stream_limit`: how many streams the
  // server took when it was last asked.
  Http2Connection(net::EventLoop& loop, net::Stream stream, net::Watch watch, std::string peer,
                  const Http2Options& options, std::optional<std::size_t> stream_limit,
                  ConnectionBuffers& buffers, ConnectionOwner& owner);
  ~Http2Connection() override;

  void start(PreparedRequest& request, std::string_view body, ExchangeListener& listener) override;
  void abandon(ExchangeListener& listener) override;
  void resume(ExchangeListener& listener) override;
  [[nodiscard]] const std::string& peer() const override { return peer_; }
  [[nodiscard]] std::size_t room() const override;
  [[nodiscard]] bool is_idle() const override { return exchanges_.empty() && !closed_; }
  [[nodiscard]] bool is_fresh() override;
  void close() override;

  // How many streams the server takes, once it said so.
  [[nodiscard]] std::optional<std::size_t> stream_limit() const { return session_.stream_limit(); }

 private:
  class Exchange;

  void on_ready(net::Interest ready) override;
  void on_settings() override;
  void on_goaway() override;

  void read_some(std::span<char> buffer);
  [[nodiscard]] bool take_bytes(std::string_view bytes);
  void flush();
  [[nodiscard]] bool fill_output();
  void drop_output();
  void tell_written();
  void flush_soon();
  void on_flush_due();
  void drain();
  void on_ping_due();
  void ping_now();
  void set_ping_timer();
  void fail_session();
  void fail_all(ErrorKind kind, const std::string& message);
  void close_socket();
  void shut();
  void update_interest();

  // For exchanges.
  [[nodiscard]] bool may_hold(std::size_t bytes);
  void fall_back();
  void end(Exchange& exchange);

  net::EventLoop& loop_;
  net::Stream stream_;
  net::Watch watch_;
  std::string peer_;
  const Http2Options options_;
  std::optional<std::size_t> expected_limit_;
  ConnectionBuffers& buffers_;
  ConnectionOwner& owner_;
  http2::Http2Session session_;
  net::Timer flush_timer_;
  net::Timer ping_timer_;

  std::unordered_map<const ExchangeListener*, std::unique_ptr<Exchange>> exchanges_;
  std::vector<std::unique_ptr<Exchange>> ended_;  // possibly still in a call
  std::vector<Exchange*> written_;                // their last bytes are in the output, or were
  std::vector<Exchange*> resumed_;                // to be told what was held back
  std::vector<Exchange*> unsent_;                 // no stream could be opened for them
  std::size_t held_ = 0;  // bytes of paused streams that the windows do not bound

  http2::Output out_;
  std::size_t out_sent_ = 0;
  net::TimePoint last_read_;
  std::optional<net::TimePoint> ping_sent_;
  bool in_session_ = false;  // nghttp2 is at work: neither feed() nor write_to() now
  bool write_blocked_ = false;
  bool write_failed_ = false;
  net::NetFailure write_failure_;
  bool has_served_ = false;
  bool is_drained_ = false;  // the owner knows that it takes no more
  bool closed_ = false;      // the socket is; exchanges may still hold whole responses
  bool is_over_ = false;     // the owner knows that it is closed for good
};

}  // namespace patient_http::engine
