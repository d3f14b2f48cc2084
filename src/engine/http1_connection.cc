#include "engine/http1_connection.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "drivers/crypto/wipe.h"
#include "drivers/net/acknowledged_bytes.h"
#include "engine/net_error_kind.h"
#include "engine/prepared_request.h"

namespace patient_http::engine {

namespace {

// One connection's share of a turn: a fast sender must not hold up the others.
constexpr int kReadsPerTurn = 4;

}  // namespace

Http1Connection::Http1Connection(net::Stream stream, net::Watch watch, std::string peer,
                                 http1::HeadLimits limits, std::span<char> scratch,
                                 ConnectionOwner& owner)
    : stream_(std::move(stream)),
      watch_(std::move(watch)),
      peer_(std::move(peer)),
      scratch_(scratch),
      owner_(owner),
      parser_(limits) {
  watch_.hand_to(*this);
}

// The watch goes before the socket: see net::Watch.
Http1Connection::~Http1Connection() {
  watch_.reset();
  drop_request();
}

void Http1Connection::start(PreparedRequest& request, std::string_view body,
                            ExchangeListener& listener) {
  listener_ = &listener;
  head_ = http1_head(request, body.size());
  body_ = body;
  holds_secrets_ = request.holds_secrets;
  request.drop_content();
  head_sent_ = body_sent_ = 0;
  write_failed_ = write_blocked_ = paused_ = false;
  parser_.reset();
  // Small messages in one piece: one segment, one TLS record.
  if (!body_.empty() && body_.size() <= kSmallBody) {
    head_.append(body_);
    body_ = {};
  }
  write_some();
}

void Http1Connection::write_some() {
  write_blocked_ = false;
  while (!is_all_sent() && !write_failed_) {
    const bool in_head = head_sent_ < head_.size();
    const std::string_view rest =
        in_head ? std::string_view(head_).substr(head_sent_) : body_.substr(body_sent_);
    const net::IoResult result = stream_.write(rest);
    if (result.status == net::IoStatus::kDone) {
      (in_head ? head_sent_ : body_sent_) += result.bytes;
    } else if (result.status == net::IoStatus::kWantWrite) {
      write_blocked_ = true;
      break;
    } else if (result.status == net::IoStatus::kWantRead) {
      break;  // TLS wants to read first; reading tries to write again
    } else {
      // An early response may be waiting to be read: reading on finds out.
      write_failed_ = true;
      write_failure_ = stream_.last_failure();
    }
  }
  update_interest();
  if (is_all_sent()) {
    drop_request();
    head_sent_ = 1;  // of an empty head: is_all_sent() stays true, and bytes have left
    listener_->on_sent();
  }
}

// Frees the head, which nobody needs any more, and wipes it if it holds secrets.
void Http1Connection::drop_request() {
  if (holds_secrets_) crypto::wipe(head_);
  head_ = {};
  head_.shrink_to_fit();
  body_ = {};
  holds_secrets_ = false;
}

bool Http1Connection::is_all_sent() const {
  return head_sent_ >= head_.size() && body_sent_ >= body_.size();
}

void Http1Connection::update_interest() {
  if (closed_) return;
  // With TLS through a proxy with TLS, bytes may be here that no readiness announces: a socket that
  // is writable, as it nearly always is, brings us back for them.
  const bool has_more = !paused_ && stream_.has_buffered_bytes();
  watch_.set({.read = !paused_, .write = write_blocked_ || has_more});
}

void Http1Connection::on_ready(net::Interest ready) {
  if (closed_) return;
  if (listener_ == nullptr) {
    if (is_fresh()) {
      update_interest();
    } else {
      close();
    }
    return;
  }
  if (!is_all_sent() && !write_failed_) write_some();
  // While reading is paused, only a broken connection is ready to be read: what is left in it is
  // read at once, or epoll would report it again and again.
  const bool has_more = !paused_ && stream_.has_buffered_bytes();
  if ((ready.read || has_more) && !closed_ && listener_ != nullptr) {
    read_some(paused_);
    update_interest();
  }
}

void Http1Connection::read_some(bool is_broken) {
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const std::size_t most = is_broken ? scratch_.size() : listener_->may_read();
    if (most == 0) {
      paused_ = true;
      update_interest();
      return;
    }
    const std::span<char> buffer = scratch_.first(std::min(most, scratch_.size()));
    const net::IoResult result = stream_.read(buffer);
    switch (result.status) {
      case net::IoStatus::kDone:
        take_bytes({scratch_.data(), result.bytes});
        if (closed_ || listener_ == nullptr) return;
        if (!stream_.is_tls() && result.bytes < buffer.size()) return;
        break;
      case net::IoStatus::kWantRead:
        return;
      case net::IoStatus::kWantWrite:
        write_blocked_ = true;
        update_interest();
        return;
      case net::IoStatus::kEnd:
        peer_ended();
        return;
      case net::IoStatus::kFailed:
        fail_with(write_failed_ ? write_failure_ : stream_.last_failure());
        return;
    }
  }
}

void Http1Connection::take_bytes(std::string_view bytes) {
  const auto read = parser_.feed(bytes, *this);
  if (listener_ == nullptr) {  // abandoned by a call from the parser
    shut();
    return;
  }
  if (!read) {
    fail(read.error().kind == http1::ParseFailure::Kind::kHeadTooLarge ? ErrorKind::kHeadersTooLarge
                                                                       : ErrorKind::kProtocol,
         read.error().message);
    return;
  }
  if (parser_.is_complete()) {
    response_complete(parser_.keeps_alive() && *read == bytes.size() && is_all_sent() &&
                      !write_failed_);
  }
}

void Http1Connection::peer_ended() {
  if (parser_.has_begun()) {
    const auto ended = parser_.feed_end(*this);
    if (listener_ == nullptr) {
      shut();
      return;
    }
    if (ended) {
      response_complete(false);
      return;
    }
    fail(ErrorKind::kClosed, "the server closed the connection before the response was complete");
    return;
  }
  if (write_failed_) {
    fail_with(write_failure_);
  } else {
    fail(ErrorKind::kClosed, "the server closed the connection without a response");
  }
}

void Http1Connection::response_complete(bool reusable) {
  ExchangeListener& listener = *std::exchange(listener_, nullptr);
  drop_request();
  has_served_ = true;
  if (reusable) {
    watch_.set({.read = true, .write = false});
    owner_.on_room_changed(*this);
  } else {
    shut();
  }
  listener.on_exchange_done();
}

void Http1Connection::fail_with(const net::NetFailure& failure) {
  fail(error_kind_of(failure.kind), failure.message);
}

void Http1Connection::fail(ErrorKind kind, std::string message) {
  ExchangeListener& listener = *std::exchange(listener_, nullptr);
  const bool ended = kind == ErrorKind::kClosed || kind == ErrorKind::kReset;
  ExchangeFailure failure{.kind = kind,
                          .message = std::move(message),
                          .bytes_left = head_sent_ > 0,
                          .stale = has_served_ && ended && !parser_.has_begun()};
  shut();
  listener.on_exchange_failed(std::move(failure));
}

void Http1Connection::abandon(ExchangeListener&) {
  listener_ = nullptr;
  parser_.stop();
  shut();
}

void Http1Connection::resume(ExchangeListener&) {
  if (!paused_) return;
  paused_ = false;
  update_interest();
}

SendProgress Http1Connection::sent(const ExchangeListener&) const {
  return {.taken = head_sent_ + body_sent_,
          .is_blocked = write_blocked_,
          .acknowledged = net::acknowledged_bytes(stream_.fd())};
}

bool Http1Connection::is_fresh() {
  std::array<char, 1> byte;
  return stream_.read(byte).status == net::IoStatus::kWantRead;
}

void Http1Connection::close() {
  shut();
}

void Http1Connection::shut() {
  if (closed_) return;
  closed_ = true;
  watch_.reset();
  stream_ = net::Stream(net::Fd());
  drop_request();
  owner_.on_connection_closed(*this);
}

void Http1Connection::on_head_begin(int status) {
  status_ = status;
  headers_ = {};
}

void Http1Connection::on_header(std::string_view name, std::string_view value) {
  if (listener_ != nullptr) headers_.append(name, base::trim(value));
}

void Http1Connection::on_head_end(std::int64_t content_length) {
  if (listener_ != nullptr) {
    listener_->on_response_head(status_, std::exchange(headers_, {}), content_length);
  }
}

void Http1Connection::on_body(std::string_view bytes) {
  if (listener_ != nullptr) listener_->on_body(bytes);
}

}  // namespace patient_http::engine
