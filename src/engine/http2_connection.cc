#include "engine/http2_connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "drivers/crypto/wipe.h"
#include "engine/http2_exchange.h"
#include "engine/net_error_kind.h"
#include "engine/prepared_request.h"

namespace patient_http::engine {

namespace {

// One connection's share of a turn: a fast sender must not hold up the others.
constexpr int kReadsPerTurn = 4;
// What is gathered for one write: two TLS records.
constexpr std::size_t kWriteSize = 32 * 1024;
// Streams that are opened before the server has said how many it takes: no server should take less
// (RFC 9113 §6.5.2), and one that does refuses the rest at no cost.
constexpr std::size_t kStreamsBeforeSettings = 100;
// What paused streams may hold beyond the connection's window, so that others go on.
constexpr std::size_t kMostHeld = std::size_t{1024} * 1024;

http2::Http2Request take_request(PreparedRequest& request, std::string_view body) {
  http2::Http2Request taken;
  taken.method = to_wire(request.method);
  taken.scheme = request.origin.is_tls() ? "https" : "http";
  taken.authority = request.origin.authority();
  taken.path = std::move(request.target);
  taken.headers = std::move(request.headers);
  if (may_have_body(request.method)) {
    taken.headers.emplace_back("content-length", std::to_string(body.size()));
  }
  taken.body = body;
  taken.holds_secrets = request.holds_secrets;
  request.drop_content();
  return taken;
}

}  // namespace

Http2Connection::Http2Connection(net::EventLoop& loop, net::Stream stream, net::Watch watch,
                                 std::string peer, const Http2Options& options,
                                 std::optional<std::size_t> stream_limit,
                                 ConnectionBuffers& buffers, ConnectionOwner& owner)
    : loop_(loop),
      stream_(std::move(stream)),
      watch_(std::move(watch)),
      peer_(std::move(peer)),
      options_(options),
      expected_limit_(stream_limit),
      buffers_(buffers),
      owner_(owner),
      session_(options.head_limits, *this),
      flush_timer_([this] { on_flush_due(); }),
      ping_timer_([this] { on_ping_due(); }),
      last_read_(loop.now()) {
  watch_.hand_to(*this);
  flush_soon();  // the preface, even if nothing is to be sent
}

// The watch goes before the socket: see net::Watch.
Http2Connection::~Http2Connection() {
  watch_.reset();
  drop_output();
}

std::size_t Http2Connection::room() const {
  if (closed_ || is_drained_) return 0;
  const std::size_t assumed =
      std::min(kStreamsBeforeSettings, expected_limit_.value_or(kStreamsBeforeSettings));
  const std::size_t limit = session_.stream_limit().value_or(assumed);
  return limit > exchanges_.size() ? limit - exchanges_.size() : 0;
}

void Http2Connection::start(PreparedRequest& request, std::string_view body,
                            ExchangeListener& listener) {
  const bool was_idle = exchanges_.empty();
  auto made = std::make_unique<Exchange>(*this, listener, was_idle);
  Exchange& exchange = *made;
  exchanges_[&listener] = std::move(made);
  if (const auto id = session_.submit(take_request(request, body), exchange)) {
    exchange.set_stream(*id);
  } else {
    unsent_.push_back(&exchange);
  }
  if (was_idle) {
    session_.forgive_idle_frames();
    // Whether the other end is still there after a long silence is better known soon.
    if (loop_.now() - last_read_ >= options_.ping_interval) ping_now();
    set_ping_timer();
  }
  flush_soon();
}

void Http2Connection::abandon(ExchangeListener& listener) {
  const auto found = exchanges_.find(&listener);
  if (found == exchanges_.end()) return;
  end(*found->second);
  flush_soon();
}

// Later: whoever resumes does not expect to be called.
void Http2Connection::resume(ExchangeListener& listener) {
  const auto found = exchanges_.find(&listener);
  if (found == exchanges_.end() || !found->second->is_paused()) return;
  found->second->resume();
  resumed_.push_back(found->second.get());
  flush_soon();
}

bool Http2Connection::may_hold(std::size_t bytes) {
  if (held_ + bytes > kMostHeld) return false;
  held_ += bytes;
  return true;
}

void Http2Connection::end(Exchange& exchange) {
  const auto found = exchanges_.find(exchange.listener());
  std::erase(written_, &exchange);
  std::erase(resumed_, &exchange);
  std::erase(unsent_, &exchange);
  exchange.detach();
  ended_.push_back(std::move(found->second));
  exchanges_.erase(found);
  flush_soon();  // drops it
  if (!closed_) owner_.on_room_changed(*this);
}

void Http2Connection::on_ready(net::Interest ready) {
  if (closed_) return;
  if (ready.write) flush();
  if (!closed_ && (ready.read || stream_.has_buffered_bytes())) read_some(buffers_.read);
  if (closed_) return;
  flush();
  update_interest();
}

void Http2Connection::read_some(std::span<char> buffer) {
  for (int i = 0; i < kReadsPerTurn && !closed_; ++i) {
    const net::IoResult result = stream_.read(buffer);
    switch (result.status) {
      case net::IoStatus::kDone:
        if (!take_bytes({buffer.data(), result.bytes})) return;
        if (!stream_.is_tls() && result.bytes < buffer.size()) return;
        break;
      case net::IoStatus::kWantRead:
        return;
      case net::IoStatus::kWantWrite:
        write_blocked_ = true;
        update_interest();
        return;
      case net::IoStatus::kEnd:
        if (write_failed_) {
          fail_all(error_kind_of(write_failure_.kind), write_failure_.message);
        } else {
          fail_all(ErrorKind::kClosed,
                   "the server closed the connection before the response was complete");
        }
        return;
      case net::IoStatus::kFailed: {
        const net::NetFailure& failure = write_failed_ ? write_failure_ : stream_.last_failure();
        fail_all(error_kind_of(failure.kind), std::string(failure.message));
        return;
      }
    }
  }
}

bool Http2Connection::take_bytes(std::string_view bytes) {
  last_read_ = loop_.now();
  ping_sent_.reset();
  in_session_ = true;
  const bool is_well = session_.feed(bytes);
  in_session_ = false;
  if (!is_well && !closed_) fail_session();
  return is_well && !closed_;
}

void Http2Connection::flush() {
  if (in_session_) return;
  write_blocked_ = false;
  while (!closed_ && !write_failed_ && fill_output()) {
    const net::IoResult result = stream_.write(std::string_view(out_.bytes).substr(out_sent_));
    if (result.status == net::IoStatus::kDone) {
      out_sent_ += result.bytes;
    } else if (result.status == net::IoStatus::kFailed || result.status == net::IoStatus::kEnd) {
      // What the server said before may be waiting to be read: reading on finds the end.
      write_failed_ = true;
      write_failure_ = stream_.last_failure();
    } else {
      // When TLS wants to read first, reading tries to write again.
      write_blocked_ = result.status == net::IoStatus::kWantWrite;
      break;
    }
  }
  update_interest();
}

// False when there is nothing to write.
bool Http2Connection::fill_output() {
  if (out_sent_ < out_.bytes.size()) return true;
  tell_written();
  drop_output();
  if (closed_ || !session_.wants_write()) return false;
  // Never moves, so that secrets leave no copies behind.
  if (out_.bytes.capacity() < buffers_.write.capacity()) out_.bytes.swap(buffers_.write);
  out_.bytes.reserve(kWriteSize + http2::kFrameRoom);
  in_session_ = true;
  const bool is_well = session_.write_to(out_, kWriteSize);
  in_session_ = false;
  if (!is_well && !closed_) {
    fail_session();
    return false;
  }
  if (out_.bytes.empty()) drop_output();
  return !out_.bytes.empty();
}

void Http2Connection::drop_output() {
  if (out_.holds_secrets) crypto::wipe(out_.bytes);
  out_.bytes.clear();
  if (out_.bytes.capacity() > buffers_.write.capacity()) out_.bytes.swap(buffers_.write);
  out_.bytes.shrink_to_fit();
  out_.holds_secrets = false;
  out_sent_ = 0;
}

void Http2Connection::tell_written() {
  while (!written_.empty()) {
    Exchange& exchange = *written_.back();
    written_.pop_back();
    exchange.tell_sent();
  }
}

void Http2Connection::flush_soon() {
  if (!flush_timer_.is_set()) loop_.timers().set(flush_timer_, loop_.now());
}

void Http2Connection::on_flush_due() {
  ended_.clear();
  if (!unsent_.empty()) drain();  // the ids of its streams are used up
  while (!unsent_.empty()) {
    Exchange& exchange = *unsent_.back();
    unsent_.pop_back();
    exchange.fail_unsent("the connection takes no more requests");
  }
  while (!resumed_.empty()) {
    Exchange& exchange = *resumed_.back();
    resumed_.pop_back();
    exchange.release();
  }
  if (!closed_) flush();
  if (is_drained_ && exchanges_.empty()) shut();
}

void Http2Connection::set_ping_timer() {
  const net::TimePoint due =
      ping_sent_ ? *ping_sent_ + options_.ping_timeout : last_read_ + options_.ping_interval;
  loop_.timers().set(ping_timer_, std::max(due, loop_.now()));
}

void Http2Connection::ping_now() {
  session_.ping();
  ping_sent_ = loop_.now();
}

void Http2Connection::on_ping_due() {
  if (closed_ || exchanges_.empty()) return;
  session_.forgive_idle_frames();
  if (ping_sent_ && loop_.now() >= *ping_sent_ + options_.ping_timeout) {
    const Seconds waited = options_.ping_timeout;
    fail_all(ErrorKind::kConnection, "the connection is dead: no answer to a PING within " +
                                         base::fixed_number(waited.count(), 1) + " s");
    return;
  }
  if (!ping_sent_ && loop_.now() >= last_read_ + options_.ping_interval) {
    ping_now();
    flush();
  }
  if (!closed_) set_ping_timer();
}

void Http2Connection::on_settings() {
  owner_.on_room_changed(*this);
}

void Http2Connection::on_goaway() {
  drain();
}

void Http2Connection::fall_back() {
  owner_.on_http1_required(*this);
  drain();
}

// It closes when the last exchange is over.
void Http2Connection::drain() {
  if (std::exchange(is_drained_, true)) return;
  owner_.on_draining(*this);
  flush_soon();
}

// The last bytes tell the server why; nobody waits for them.
void Http2Connection::fail_session() {
  const std::string message = session_.failure();
  if (out_.bytes.empty()) {
    in_session_ = true;
    static_cast<void>(session_.write_to(out_, kWriteSize));
    in_session_ = false;
  }
  if (!closed_ && !write_failed_) {
    static_cast<void>(stream_.write(std::string_view(out_.bytes).substr(out_sent_)));
  }
  if (!closed_) fail_all(ErrorKind::kProtocol, message);
}

// A response that is whole needs the server no more: who may not read it yet gets it when he may,
// and the connection is there for as long.
void Http2Connection::fail_all(ErrorKind kind, const std::string& message) {
  std::string told = message;
  if (!session_.goaway().empty()) told.append(" (after ").append(session_.goaway()).append(")");
  close_socket();
  drain();
  const auto is_unanswered = [](const auto& entry) { return !entry.second->is_whole(); };
  for (auto next = std::find_if(exchanges_.begin(), exchanges_.end(), is_unanswered);
       next != exchanges_.end();
       next = std::find_if(exchanges_.begin(), exchanges_.end(), is_unanswered)) {
    next->second->fail(kind, told);
  }
  if (exchanges_.empty()) shut();
}

// Reads with memory of its own: it may be called while another connection's bytes are in the shared
// one.
bool Http2Connection::is_fresh() {
  std::array<char, 4096> buffer;
  if (!in_session_ && !closed_) read_some(buffer);
  return !closed_ && !is_drained_;
}

void Http2Connection::close() {
  shut();
}

void Http2Connection::close_socket() {
  if (std::exchange(closed_, true)) return;
  watch_.reset();
  stream_ = net::Stream(net::Fd());
  drop_output();
  loop_.timers().cancel(ping_timer_);
}

void Http2Connection::shut() {
  if (std::exchange(is_over_, true)) return;
  close_socket();
  owner_.on_connection_closed(*this);
}

void Http2Connection::update_interest() {
  if (closed_) return;
  // With TLS through a proxy with TLS, bytes may be here that no readiness announces: a socket that
  // is writable, as it nearly always is, brings us back for them.
  watch_.set({.read = true, .write = write_blocked_ || stream_.has_buffered_bytes()});
}

}  // namespace patient_http::engine
