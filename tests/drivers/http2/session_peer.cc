#include "drivers/http2/session_peer.h"

#include <algorithm>
#include <new>
#include <stdexcept>

namespace patient_http::http2::test {

std::string number(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

std::string frame(int type, int flags, std::uint32_t stream, std::string_view payload) {
  std::string out = number(payload.size(), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out.append(number(stream, 4)).append(payload);
}

std::string field(std::string_view name, std::string_view value) {
  const auto text = [](std::string_view it) {
    std::string out;  // RFC 7541 §5.1, with a prefix of seven bits
    if (it.size() < 127) {
      out += static_cast<char>(it.size());
    } else {
      out += '\x7f';
      std::size_t rest = it.size() - 127;
      for (; rest >= 128; rest /= 128) out += static_cast<char>(rest % 128 + 128);
      out += static_cast<char>(rest);
    }
    return out.append(it);
  };
  return std::string(1, '\0').append(text(name)).append(text(value));
}

std::string head(std::uint32_t stream, std::string_view status, std::string_view fields,
                 int flags) {
  return frame(NGHTTP2_HEADERS, flags, stream, field(":status", status).append(fields));
}

std::string data(std::uint32_t stream, std::string_view bytes, int flags) {
  return frame(NGHTTP2_DATA, flags, stream, bytes);
}

std::string reset(std::uint32_t stream, std::uint32_t code) {
  return frame(NGHTTP2_RST_STREAM, 0, stream, number(code, 4));
}

std::string goaway(std::uint32_t last_stream, std::uint32_t code) {
  return frame(NGHTTP2_GOAWAY, 0, 0, number(last_stream, 4) + number(code, 4));
}

Http2Request get_request() {
  Http2Request request;
  request.method = "GET";
  request.scheme = "https";
  request.authority = "h";
  request.path = "/";
  return request;
}

const SeenStream::Field* SeenStream::find(std::string_view name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& it) { return it.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

SessionPeer::SessionPeer(HeadLimits limits) : session(limits, *this) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0) {
    throw std::bad_alloc();
  }
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_field);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_session* made = nullptr;
  const int failed = nghttp2_session_server_new2(&made, callbacks, this, option);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
  if (failed != 0) throw std::bad_alloc();
  server_.reset(made);
  nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, nullptr, 0);
  flush();
}

SessionPeer::~SessionPeer() = default;

void SessionPeer::flush() {
  for (bool is_quiet = false; !is_quiet;) {
    Output out;
    (void)session.write_to(out, 16 * 1024);  // its failure is what a test looks at
    wrote_secrets |= out.holds_secrets;
    written += out.bytes;
    if (nghttp2_session_mem_recv(server_.get(),
                                 reinterpret_cast<const std::uint8_t*>(out.bytes.data()),
                                 out.bytes.size()) < 0) {
      throw std::runtime_error("the server cannot read what the session wrote");
    }
    std::string answer;
    const std::uint8_t* bytes = nullptr;
    for (auto size = nghttp2_session_mem_send(server_.get(), &bytes); size > 0;
         size = nghttp2_session_mem_send(server_.get(), &bytes)) {
      answer.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    if (!answer.empty()) (void)session.feed(answer);
    is_quiet = out.bytes.empty() && answer.empty();
  }
}

bool SessionPeer::say(std::string_view bytes) {
  const bool goes_on = session.feed(bytes);
  flush();
  return goes_on && session.failure().empty();
}

void SessionPeer::set(nghttp2_settings_id key, std::uint32_t value) {
  const nghttp2_settings_entry entry{key, value};
  nghttp2_submit_settings(server_.get(), NGHTTP2_FLAG_NONE, &entry, 1);
  flush();
}

void SessionPeer::open_window(std::int32_t stream, std::int32_t bytes) {
  nghttp2_submit_window_update(server_.get(), NGHTTP2_FLAG_NONE, stream, bytes);
  flush();
}

int SessionPeer::on_field(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                          std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                          std::uint8_t flags, void* user) {
  self(user).seen[frame->hd.stream_id].fields.push_back(
      {std::string(reinterpret_cast<const char*>(name), name_size),
       std::string(reinterpret_cast<const char*>(value), value_size),
       (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0});
  return 0;
}

int SessionPeer::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  SessionPeer& peer = self(user);
  const std::int32_t id = frame->hd.stream_id;
  const bool may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (may_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) peer.seen[id].has_ended = true;
  if (frame->hd.type == NGHTTP2_RST_STREAM) peer.seen[id].reset = frame->rst_stream.error_code;
  if (frame->hd.type == NGHTTP2_WINDOW_UPDATE) {
    peer.windows[id] += frame->window_update.window_size_increment;
  }
  return 0;
}

int SessionPeer::on_data(nghttp2_session*, std::uint8_t, std::int32_t stream,
                         const std::uint8_t* bytes, std::size_t size, void* user) {
  self(user).seen[stream].body.append(reinterpret_cast<const char*>(bytes), size);
  return 0;
}

}  // namespace patient_http::http2::test
