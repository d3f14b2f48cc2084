#include "engine/http2_exchange.h"

#include <utility>

namespace patient_http::engine {

void Http2Connection::Exchange::detach() {
  listener_ = nullptr;
  let_go();
  if (id_ != 0) connection_.session_.abandon(std::exchange(id_, 0));
}

void Http2Connection::Exchange::on_request_written() {
  connection_.written_.push_back(this);
}

void Http2Connection::Exchange::tell_sent() {
  if (listener_ != nullptr) listener_->on_sent();
}

void Http2Connection::Exchange::on_head_begin(int status) {
  has_answer_ = true;
  status_ = status;
  headers_ = {};
}

void Http2Connection::Exchange::on_header(std::string_view name, std::string_view value) {
  headers_.append(name, value);
}

void Http2Connection::Exchange::on_head_end(std::int64_t content_length) {
  has_head_ = true;
  listener_->on_response_head(status_, std::exchange(headers_, {}), content_length);
}

// What was held back comes first.
void Http2Connection::Exchange::on_body(std::string_view bytes) {
  if (!is_paused_ && held_.empty()) is_paused_ = listener_->may_read() == 0;
  if (is_paused_ || !held_.empty()) {
    hold(bytes);
    return;
  }
  connection_.session_.consume_connection(bytes.size());
  connection_.session_.consume_stream(id_, bytes.size());
  listener_->on_body(bytes);
}

// The connection's window opens again at once, so that other streams go on, as long as not too much
// is held in all.
void Http2Connection::Exchange::hold(std::string_view bytes) {
  held_.append(bytes);
  if (!connection_.may_hold(bytes.size())) {
    connection_.held_in_window_ += bytes.size();
    return;
  }
  held_freely_ += bytes.size();
  connection_.session_.consume_connection(bytes.size());
}

std::size_t Http2Connection::Exchange::uncount() {
  const std::size_t in_window = held_.size() - held_freely_;
  connection_.held_ -= std::exchange(held_freely_, 0);
  connection_.held_in_window_ -= in_window;
  return in_window;
}

// Gives back to the connection what was held.
void Http2Connection::Exchange::let_go() {
  connection_.session_.consume_connection(uncount());
  if (id_ != 0) connection_.session_.consume_stream(id_, held_.size());
  held_ = {};
}

void Http2Connection::Exchange::release() {
  if (is_paused_ || listener_ == nullptr) return;
  connection_.session_.consume_connection(uncount());
  const std::string bytes = std::move(held_);
  held_ = {};
  if (id_ != 0) connection_.session_.consume_stream(id_, bytes.size());
  if (!bytes.empty()) listener_->on_body(bytes);
  if (has_ended_ && listener_ != nullptr) finish();
}

void Http2Connection::Exchange::on_response_end() {
  id_ = 0;
  has_ended_ = true;
  if (!is_paused_ && held_.empty()) finish();
}

void Http2Connection::Exchange::finish() {
  ExchangeListener& listener = *listener_;
  connection_.has_served_ = true;
  connection_.end(*this);
  listener.on_exchange_done();
}

void Http2Connection::Exchange::on_stream_failed(http2::StreamFailure failure) {
  using Kind = http2::StreamFailure::Kind;
  id_ = 0;
  ExchangeFailure told{
      .kind = ErrorKind::kReset, .message = std::move(failure.message), .bytes_left = has_left_};
  switch (failure.kind) {
    case Kind::kRefused:
      told.refused = true;
      break;
    case Kind::kHttp1Required:
      told.kind = ErrorKind::kProtocol;
      told.refused = connection_.options_.may_fall_back;
      if (told.refused) connection_.fall_back();
      break;
    case Kind::kReset:
      break;
    case Kind::kHeadTooLarge:
      told.kind = ErrorKind::kHeadersTooLarge;
      break;
    case Kind::kMalformed:
      told.kind = ErrorKind::kProtocol;
      break;
  }
  report(std::move(told));
}

// Rules that were broken on the connection are no answer to a request that has none: for it the
// connection is one that broke.
void Http2Connection::Exchange::fail(ErrorKind kind, const std::string& message) {
  id_ = 0;
  const bool has_ended = kind == ErrorKind::kClosed || kind == ErrorKind::kReset;
  if (kind == ErrorKind::kProtocol && !has_answer_) kind = ErrorKind::kConnection;
  report({.kind = kind,
          .message = message,
          .bytes_left = has_left_,
          .stale = has_ended && connection_.has_served_ && was_idle_ && !has_head_,
          .refused = !has_left_});
}

void Http2Connection::Exchange::fail_unsent(const std::string& message) {
  report({.kind = ErrorKind::kClosed, .message = message, .refused = true});
}

void Http2Connection::Exchange::report(ExchangeFailure failure) {
  ExchangeListener& listener = *listener_;
  connection_.end(*this);
  listener.on_exchange_failed(std::move(failure));
}

}  // namespace patient_http::engine
