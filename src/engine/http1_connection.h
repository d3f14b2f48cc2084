#pragma once

#include <span>
#include <string>

#include "drivers/http1/response_parser.h"
#include "drivers/net/event_loop.h"
#include "drivers/net/stream.h"
#include "engine/exchange.h"

namespace patient_http::engine {

// An HTTP/1.1 connection: one exchange after the other.
class Http1Connection final : public HttpConnection,
                              private net::ReadyHandler,
                              private http1::ResponseHandler {
 public:
  // `scratch` is ConnectionBuffers::read; it and `owner` must outlive this object.
  Http1Connection(net::Stream stream, net::Watch watch, std::string peer, http1::HeadLimits limits,
                  std::span<char> scratch, ConnectionOwner& owner);
  ~Http1Connection() override;

  void start(PreparedRequest& request, std::string_view body, ExchangeListener& listener) override;
  void abandon(ExchangeListener& listener) override;
  void resume(ExchangeListener& listener) override;
  [[nodiscard]] const std::string& peer() const override { return peer_; }

  [[nodiscard]] std::size_t room() const override { return is_idle() ? 1 : 0; }
  [[nodiscard]] bool is_idle() const override { return listener_ == nullptr && !closed_; }
  [[nodiscard]] bool is_fresh() override;
  void close() override;

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
  void drop_request();
  void update_interest();
  [[nodiscard]] bool is_all_sent() const;

  net::Stream stream_;
  net::Watch watch_;
  std::string peer_;
  std::span<char> scratch_;
  ConnectionOwner& owner_;
  http1::ResponseParser parser_;

  ExchangeListener* listener_ = nullptr;  // null while idle, and once closed
  // The request: the head, with a small body behind it, and a large body.
  std::string head_;
  std::string_view body_;
  bool holds_secrets_ = false;  // the head is wiped when it is sent, or when it will not be
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
