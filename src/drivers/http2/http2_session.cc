#include "drivers/http2/http2_session.h"

#include <nghttp2/nghttp2.h>

#include <array>
#include <new>
#include <utility>
#include <vector>

#include "base/credential_headers.h"
#include "drivers/http2/session_callbacks.h"

namespace patient_http::http2 {

namespace {

// A stream may be this far ahead of its reader: 2.5 MB/s at a round trip of 100 ms, and what a
// paused stream costs at most.
constexpr std::int32_t kStreamWindow = 256 * 1024;
// All streams of a connection together. It is opened again as bytes arrive, so that one slow
// reader does not stop the others: it bounds only what is on its way.
constexpr std::int32_t kConnectionWindow = 1024 * 1024;
// More than what can be on its way for streams that we have reset.
constexpr std::size_t kMostIdleBytes = 4 * std::size_t{kConnectionWindow};
// HTTP/1 knows no limit for what we send; nghttp2 would take 64 KiB.
constexpr std::size_t kLargestSentHead = 1024 * 1024;
// What SETTINGS_MAX_HEADER_LIST_SIZE counts for a field beside its bytes (RFC 9113 §6.5.2).
constexpr std::size_t kFieldOverhead = 32;

// RFC 9113 §5.1.1; after it a new connection is needed.
constexpr std::uint32_t kLastStream = 0x7fffffff;

// The views of nghttp2 are pointers to bytes that it does not change.
std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

nghttp2_nv field(std::string_view name, std::string_view value, bool is_sensitive) {
  unsigned flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  if (is_sensitive) flags |= NGHTTP2_NV_FLAG_NO_INDEX;
  return {bytes_of(name), bytes_of(value), name.size(), value.size(),
          static_cast<std::uint8_t>(flags)};
}

std::vector<nghttp2_nv> fields_of(const Http2Request& request) {
  std::vector<nghttp2_nv> fields;
  fields.reserve(request.headers.size() + 4);
  fields.push_back(field(":method", request.method, false));
  fields.push_back(field(":scheme", request.scheme, false));
  fields.push_back(field(":authority", request.authority, false));
  fields.push_back(field(":path", request.path, request.holds_secrets));
  for (const auto& [name, value] : request.headers) {
    if (name.empty()) continue;
    // An id is never seen again: it would only push what is out of the table.
    const bool stays_out =
        request.holds_secrets || base::is_credential_header(name) || name == "x-request-id";
    fields.push_back(field(name, value, stays_out));
  }
  return fields;
}

struct FreeOption {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};

// nghttp2 bounds by itself: 8 CONTINUATION frames to a head, 32 entries of a SETTINGS frame, 1,000
// acknowledgements of PING and SETTINGS that wait to be written, 4 KiB of a compression table.
std::unique_ptr<nghttp2_option, FreeOption> make_options() {
  nghttp2_option* made = nullptr;
  if (nghttp2_option_new(&made) != 0) throw std::bad_alloc();
  std::unique_ptr<nghttp2_option, FreeOption> option(made);
  nghttp2_option_set_no_auto_window_update(made, 1);
  nghttp2_option_set_max_reserved_remote_streams(made, 0);
  nghttp2_option_set_max_send_header_block_length(made, kLargestSentHead);
  return option;
}

}  // namespace

void Http2Session::FreeSession::operator()(nghttp2_session* session) const {
  nghttp2_session_del(session);
}

Http2Session::Http2Session(HeadLimits limits, SessionHandler& handler)
    : limits_(limits), handler_(handler) {
  const auto options = make_options();
  nghttp2_session* made = nullptr;
  if (nghttp2_session_client_new2(&made, SessionCallbacks::table(), this, options.get()) != 0) {
    throw std::bad_alloc();
  }
  session_.reset(made);
  const std::array<nghttp2_settings_entry, 3> settings{{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       static_cast<std::uint32_t>(limits.bytes + limits.fields * kFieldOverhead)},
  }};
  nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

Http2Session::~Http2Session() = default;

std::optional<StreamId> Http2Session::submit(Http2Request request, StreamHandler& handler) {
  if (is_draining_ || !failure_.empty()) return std::nullopt;
  const std::uint32_t next = nghttp2_session_get_next_stream_id(session_.get());
  if (next > kLastStream) {
    is_draining_ = true;
    return std::nullopt;
  }
  conform(request);
  const auto id = static_cast<StreamId>(next);
  Stream& stream = streams_.try_emplace(id, handler, std::move(request)).first->second;
  const std::vector<nghttp2_nv> fields = fields_of(stream.request);
  nghttp2_data_provider body{};
  body.read_callback = SessionCallbacks::read_body;
  const bool has_body = !stream.request.body.empty();
  if (nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(),
                             has_body ? &body : nullptr, nullptr) < 0) {
    throw std::bad_alloc();
  }
  return id;
}

void Http2Session::abandon(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->handler == nullptr) return;
  stream->handler = nullptr;
  stream->request.body = {};
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

bool Http2Session::feed(std::string_view bytes) {
  idle_bytes_ += bytes.size();
  const auto taken = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0 && failure_.empty()) failure_ = nghttp2_strerror(static_cast<int>(taken));
  // nghttp2 1.52 tells nothing of frames of unknown types, and of what comes for closed streams.
  if (idle_bytes_ > kMostIdleBytes && failure_.empty()) {
    failure_ = "the server floods the connection with bytes that bring nothing";
  }
  return failure_.empty();
}

bool Http2Session::write_to(Output& out, std::size_t most) {
  out_ = &out;
  most_ = most;
  while (out.bytes.size() < most) {
    const std::uint8_t* data = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &data);
    if (size < 0 && failure_.empty()) failure_ = nghttp2_strerror(static_cast<int>(size));
    if (size <= 0) break;
    out.bytes.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  }
  out_ = nullptr;
  return failure_.empty();
}

bool Http2Session::wants_write() const {
  return nghttp2_session_want_write(session_.get()) != 0;
}

void Http2Session::ping() {
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
}

void Http2Session::consume_stream(StreamId id, std::size_t bytes) {
  nghttp2_session_consume_stream(session_.get(), id, bytes);
}

void Http2Session::consume_connection(std::size_t bytes) {
  nghttp2_session_consume_connection(session_.get(), bytes);
}

std::optional<std::size_t> Http2Session::stream_limit() const {
  if (!has_settings_) return std::nullopt;
  return nghttp2_session_get_remote_settings(session_.get(),
                                             NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

std::size_t Http2Session::body_written(StreamId id) const {
  const auto found = streams_.find(id);
  return found != streams_.end() ? found->second.body_written : 0;
}

Http2Session::Stream* Http2Session::find(StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

StreamFailure Http2Session::failure_of(const Stream& stream, std::uint32_t code) const {
  using Kind = StreamFailure::Kind;
  if (stream.failure) return *stream.failure;
  const std::string name = nghttp2_http2_strerror(code);
  if (code == NGHTTP2_REFUSED_STREAM && !stream.has_head) {
    return {Kind::kRefused,
            is_draining_ && !stream.was_reset
                ? "the server takes no more requests on this connection (" + goaway_ + ")"
                : "the server refused the stream (REFUSED_STREAM)"};
  }
  if (code == NGHTTP2_HTTP_1_1_REQUIRED && !stream.has_head) {
    return {Kind::kHttp1Required, "the server wants HTTP/1.1 (HTTP_1_1_REQUIRED)"};
  }
  if (stream.was_reset) return {Kind::kReset, "the server reset the stream (" + name + ")"};
  return {Kind::kMalformed,
          "malformed response: its headers or the length of its body break the rules of HTTP/2"};
}

// The stream is forgotten first: its handler may do anything.
void Http2Session::close_stream(StreamId id, std::uint32_t code) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  StreamHandler* handler = stream->handler;
  std::optional<StreamFailure> failure;
  if (handler != nullptr) failure = failure_of(*stream, code);
  streams_.erase(id);
  if (handler != nullptr) handler->on_stream_failed(std::move(*failure));
}

}  // namespace patient_http::http2
