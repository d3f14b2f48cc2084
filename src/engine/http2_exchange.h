#pragma once

#include <string>
#include <string_view>

#include "engine/http2_connection.h"

namespace patient_http::engine {

// One exchange on an HTTP/2 connection: tells a listener what its stream tells, and holds back what
// comes while the listener may not read. Private to the connection.
class Http2Connection::Exchange final : public http2::StreamHandler {
 public:
  // `was_idle`: whether the connection was.
  Exchange(Http2Connection& connection, ExchangeListener& listener, bool was_idle)
      : connection_(connection), listener_(&listener), was_idle_(was_idle) {}

  void set_stream(http2::StreamId id) { id_ = id; }

  // The listener hears no more; the stream, if it still runs, is reset.
  void detach();
  void resume() { is_paused_ = false; }
  // Tells what was held back.
  void release();
  void tell_sent();
  void fail(ErrorKind kind, const std::string& message);
  void fail_unsent(const std::string& message);

  [[nodiscard]] http2::StreamId stream() const { return id_; }
  [[nodiscard]] const ExchangeListener* listener() const { return listener_; }
  [[nodiscard]] bool is_paused() const { return is_paused_; }
  // The response came to its end, though the listener may not know all of it yet.
  [[nodiscard]] bool is_whole() const { return has_ended_; }

 private:
  void on_head_written() override { has_left_ = true; }
  void on_request_written() override;
  void on_head_begin(int status) override;
  void on_header(std::string_view name, std::string_view value) override;
  void on_head_end(std::int64_t content_length) override;
  void on_body(std::string_view bytes) override;
  void on_response_end() override;
  void on_stream_failed(http2::StreamFailure failure) override;

  void hold(std::string_view bytes);
  void let_go();
  // What is held does not count in the connection any more; gives how much of it its window counts.
  std::size_t uncount();
  void finish();
  void report(ExchangeFailure failure);

  Http2Connection& connection_;
  ExchangeListener* listener_;  // null: over
  const bool was_idle_;
  http2::StreamId id_ = 0;  // 0: the stream is over
  int status_ = 0;
  bool has_left_ = false;    // its head is in the output, or was
  bool has_answer_ = false;  // its head has begun
  bool has_head_ = false;
  bool is_paused_ = false;
  bool has_ended_ = false;  // the response, though not all of it may be told
  HttpHeaders headers_;
  std::string held_;
  std::size_t held_freely_ = 0;  // of it, what the connection's window does not count any more
};

}  // namespace patient_http::engine
