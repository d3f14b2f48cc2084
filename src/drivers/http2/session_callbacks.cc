#include "drivers/http2/session_callbacks.h"

#include <algorithm>
#include <charconv>
#include <new>
#include <utility>

namespace patient_http::http2 {

namespace {

// So many frames may come that bring nobody anything - PING, SETTINGS, empty DATA, frames of
// unknown types - before something does that counts.
constexpr std::size_t kMostIdleFrames = 10'000;
// RFC 9113 frame of 9 bytes before each payload.
constexpr std::size_t kFrameHead = 9;

Http2Session& session_of(void* user) {
  return *static_cast<Http2Session*>(user);
}

std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

bool has_no_body(int status) {
  return status == 204 || status == 304;
}

std::int64_t number(std::string_view digits) {
  std::int64_t value = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace

const nghttp2_session_callbacks* SessionCallbacks::table() {
  static const nghttp2_session_callbacks* const table = [] {
    nghttp2_session_callbacks* made = nullptr;
    if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_begin_frame_callback(made, on_begin_frame);
    nghttp2_session_callbacks_set_on_header_callback(made, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(made, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(made, on_frame_not_sent);
    nghttp2_session_callbacks_set_send_data_callback(made, send_body);
    return made;
  }();
  return table;
}

int SessionCallbacks::on_begin_frame(nghttp2_session*, const nghttp2_frame_hd*, void* user) {
  Http2Session& self = session_of(user);
  if (++self.idle_frames_ <= kMostIdleFrames) return 0;
  self.failure_ = "the server floods the connection with frames that bring nothing";
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int SessionCallbacks::on_header(nghttp2_session*, const nghttp2_frame* frame,
                                const std::uint8_t* name, std::size_t name_size,
                                const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                                void* user) {
  Http2Session& self = session_of(user);
  Stream* stream = self.find(frame->hd.stream_id);
  if (stream == nullptr || stream->handler == nullptr) return 0;
  return take_field(self, *stream, view(name, name_size), view(value, value_size));
}

int SessionCallbacks::take_field(Http2Session& self, Stream& stream, std::string_view name,
                                 std::string_view value) {
  stream.head_bytes += name.size() + value.size();
  if (!name.starts_with(':')) ++stream.head_fields;
  if (stream.head_bytes > self.limits_.bytes || stream.head_fields > self.limits_.fields) {
    stream.failure = {StreamFailure::Kind::kHeadTooLarge,
                      "the response has more than " + std::to_string(self.limits_.bytes) +
                          " bytes or " + std::to_string(self.limits_.fields) +
                          " fields of headers and trailers"};
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  if (stream.has_head) return 0;  // trailers could overwrite what the head said
  if (name == ":status") {
    stream.status = static_cast<int>(number(value));
    if (stream.status < 100) {  // nghttp2 takes any three digits
      stream.failure = {StreamFailure::Kind::kMalformed,
                        "malformed response: its status is below 100"};
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (stream.status >= 200) stream.handler->on_head_begin(stream.status);
    return 0;
  }
  if (stream.status < 200) return 0;
  if (name == "content-length") stream.content_length = number(value);
  stream.handler->on_header(name, value);
  return 0;
}

// nghttp2 would leave such a header out.
int SessionCallbacks::on_invalid_header(nghttp2_session*, const nghttp2_frame* frame,
                                        const std::uint8_t*, std::size_t, const std::uint8_t*,
                                        std::size_t, std::uint8_t, void* user) {
  if (Stream* stream = session_of(user).find(frame->hd.stream_id)) {
    stream->failure = {StreamFailure::Kind::kMalformed,
                       "malformed response: a header that HTTP/2 does not allow"};
  }
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int SessionCallbacks::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  Http2Session& self = session_of(user);
  const StreamId id = frame->hd.stream_id;
  const bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      self.forgive_idle_frames();
      head_complete(self, id, is_end);
      break;
    case NGHTTP2_DATA:
      if (is_end) response_complete(self, id);
      break;
    case NGHTTP2_RST_STREAM:
      if (Stream* stream = self.find(id)) stream->was_reset = true;
      break;
    case NGHTTP2_SETTINGS:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) break;
      self.has_settings_ = true;
      self.handler_.on_settings();
      break;
    case NGHTTP2_GOAWAY:
      on_goaway(self, frame->goaway);
      break;
    default:
      break;
  }
  return 0;
}

// Comes before nghttp2 closes the streams that the server will not serve.
void SessionCallbacks::on_goaway(Http2Session& self, const nghttp2_goaway& goaway) {
  self.is_draining_ = true;
  self.goaway_ = std::string("GOAWAY with ") + nghttp2_http2_strerror(goaway.error_code);
  self.handler_.on_goaway();
}

void SessionCallbacks::head_complete(Http2Session& self, StreamId id, bool is_end) {
  Stream* stream = self.find(id);
  if (stream == nullptr || stream->handler == nullptr) return;
  if (!stream->has_head && stream->status >= 200) {
    stream->has_head = true;
    if (is_end || has_no_body(stream->status)) stream->content_length = 0;
    stream->handler->on_head_end(stream->content_length);
  }
  if (is_end) response_complete(self, id);
}

// A server may answer without reading the whole request: the rest is then not sent.
void SessionCallbacks::response_complete(Http2Session& self, StreamId id) {
  Stream* stream = self.find(id);
  if (stream == nullptr || stream->handler == nullptr) return;
  StreamHandler& handler = *std::exchange(stream->handler, nullptr);
  stream->request.body = {};
  if (nghttp2_session_get_stream_local_close(self.session_.get(), id) == 0) {
    nghttp2_submit_rst_stream(self.session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
  }
  handler.on_response_end();
}

int SessionCallbacks::on_data(nghttp2_session*, std::uint8_t, std::int32_t id,
                              const std::uint8_t* data, std::size_t size, void* user) {
  Http2Session& self = session_of(user);
  self.forgive_idle_frames();
  Stream* stream = self.find(id);
  if (stream == nullptr || stream->handler == nullptr) {
    self.consume_connection(size);
  } else {
    stream->handler->on_body(view(data, size));
  }
  return 0;
}

int SessionCallbacks::on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code,
                                      void* user) {
  session_of(user).close_stream(id, code);
  return 0;
}

int SessionCallbacks::on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  Http2Session& self = session_of(user);
  const bool is_head = frame->hd.type == NGHTTP2_HEADERS;
  if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
    // nghttp2 found an error of the connection; its reason names frames and states.
    self.failure_ = std::string("the server broke the rules of HTTP/2 (") +
                    nghttp2_http2_strerror(frame->goaway.error_code) + ")";
    if (frame->goaway.opaque_data_len > 0) {
      self.failure_.append(": ").append(
          view(frame->goaway.opaque_data, frame->goaway.opaque_data_len));
    }
  }
  if (!is_head && frame->hd.type != NGHTTP2_DATA) return 0;
  self.forgive_idle_frames();
  Stream* stream = self.find(frame->hd.stream_id);
  if (stream == nullptr) return 0;
  if (is_head) {
    self.out_->holds_secrets |= stream->request.holds_secrets;
    stream->request.drop_head();
    if (stream->handler != nullptr) stream->handler->on_head_written();
  }
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && stream->handler != nullptr) {
    stream->handler->on_request_written();
  }
  return 0;
}

// Of requests: the stream was never opened, so that no close of it follows.
int SessionCallbacks::on_frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error,
                                        void* user) {
  Http2Session& self = session_of(user);
  Stream* stream = frame->hd.type == NGHTTP2_HEADERS ? self.find(frame->hd.stream_id) : nullptr;
  if (stream == nullptr) return 0;
  StreamHandler* handler = stream->handler;
  self.streams_.erase(frame->hd.stream_id);
  if (handler == nullptr) return 0;
  const bool is_unsendable =
      error == NGHTTP2_ERR_FRAME_SIZE_ERROR || error == NGHTTP2_ERR_HEADER_COMP;
  handler->on_stream_failed(
      {is_unsendable ? StreamFailure::Kind::kReset : StreamFailure::Kind::kRefused,
       std::string("the request was not sent: ") + nghttp2_strerror(error)});
  return 0;
}

ssize_t SessionCallbacks::read_body(nghttp2_session*, std::int32_t id, std::uint8_t*,
                                    std::size_t length, std::uint32_t* flags, nghttp2_data_source*,
                                    void* user) {
  Stream* stream = session_of(user).find(id);
  if (stream == nullptr || stream->handler == nullptr) return NGHTTP2_ERR_DEFERRED;
  const std::size_t left = stream->request.body.size() - stream->body_written;
  *flags = NGHTTP2_DATA_FLAG_NO_COPY;
  if (left <= length) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(std::min(left, length));
}

// From the body to the output in one step. nghttp2 keeps the frame back when there is no room.
int SessionCallbacks::send_body(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                                std::size_t size, nghttp2_data_source*, void* user) {
  Http2Session& self = session_of(user);
  Stream* stream = self.find(frame->hd.stream_id);
  if (stream == nullptr || stream->handler == nullptr) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  if (self.out_->bytes.size() >= self.most_) return NGHTTP2_ERR_WOULDBLOCK;
  self.out_->bytes.append(view(head, kFrameHead));
  self.out_->bytes.append(stream->request.body.substr(stream->body_written, size));
  stream->body_written += size;
  return 0;
}

}  // namespace patient_http::http2
