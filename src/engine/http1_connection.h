#pragma once

#include <span>
#include <string>

#include "drivers/http1/response_parser.h"
#include "drivers/net/event_loop.h"
#include "drivers/net/stream.h"
#include "engine/exchange.h"

namespace patient_http::engine {

class Http1Connection;

// Who keeps HTTP/1 connections.
class Http1Owner {
 public:
  virtual ~Http1Owner() = default;
  // The connection can serve another exchange.
  virtual void on_connection_idle(Http1Connection& connection) = 0;
  // The connection is closed for good. It is still in use by its caller: destroy it later.
  virtual void on_connection_closed(Http1Connection& connection) = 0;
};

// An HTTP/1.1 connection: one exchange after the other. Belongs to the reactor thread; must not be
// destroyed from inside its own calls.
class Http1Connection final : public HttpConnection,
                              private net::ReadyHandler,
                              private http1::ResponseHandler {
 public:
  // `scratch` is the memory into which all connections of a reactor read; it and `owner` must
  // outlive this object.
  Http1Connection(net::Stream stream, net::Watch watch, std::string peer, http1::HeadLimits limits,
                  std::span<char> scratch, Http1Owner& owner);
  ~Http1Connection() override;

  void start(OutgoingMessage message, ExchangeListener& listener) override;
  void abandon(ExchangeListener& listener) override;
  void resume(ExchangeListener& listener) override;
  [[nodiscard]] const std::string& peer() const override { return peer_; }

  // While idle: whether the peer has neither closed it nor sent what nobody asked for.
  [[nodiscard]] bool is_fresh();
  // While idle.
  void close();

 private:
  void on_ready(net::Interest ready) override;

  void on_head_begin(int status) override;
  void on_header(std::string_view name, std::string_view value) override;
  void on_head_end(std::int64_t content_length) override;
  void on_body(std::string_view bytes) override;

  void write_some();
  void read_some(bool is_broken);
  void take_bytes(std::string_view bytes);
  void peer_ended();
  void response_complete(bool reusable);
  void fail(ErrorKind kind, std::string message);
  void fail_with(const net::NetFailure& failure);
  void shut();
  void drop_message();
  void update_interest();
  [[nodiscard]] bool is_all_sent() const;

  net::Stream stream_;
  net::Watch watch_;
  std::string peer_;
  std::span<char> scratch_;
  Http1Owner& owner_;
  http1::ResponseParser parser_;

  ExchangeListener* listener_ = nullptr;  // null while idle, and once closed
  OutgoingMessage message_;
  std::size_t head_sent_ = 0;
  std::size_t body_sent_ = 0;
  bool has_served_ = false;    // an earlier exchange
  bool write_failed_ = false;  // the peer reads no more; it may still have answered
  net::NetFailure write_failure_;
  bool write_blocked_ = false;
  bool paused_ = false;
  bool closed_ = false;
  int status_ = 0;
  HttpHeaders headers_;
};

}  // namespace patient_http::engine
