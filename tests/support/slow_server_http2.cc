#include "support/slow_server_http2.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

namespace patient_http::test {

namespace {

// What is gathered before it is sent: a TLS record or so.
constexpr std::size_t kGathered = 16 * 1024;

nghttp2_nv header(std::string_view name, std::string_view value) {
  // nghttp2 copies both, and is older than const.
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

SlowServer::Http2Connection::Http2Connection(SlowServer& server, SlowSocket socket)
    : server_(server), socket_(std::move(socket)) {
  nghttp2_session* session = nullptr;
  nghttp2_session_callbacks* const calls = callbacks();
  const int made = nghttp2_session_server_new(&session, calls, this);
  nghttp2_session_callbacks_del(calls);
  if (made != 0) throw std::runtime_error("cannot start HTTP/2");
  session_.reset(session);
  const nghttp2_settings_entry streams{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                       server.options_.max_streams};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &streams, 1);
  watch_ = server.loop_.watch(socket_.fd(), {.read = true, .write = false}, *this);
}

// The session goes first: it knows the streams.
SlowServer::Http2Connection::~Http2Connection() {
  watch_.reset();
  session_.reset();
}

nghttp2_session_callbacks* SlowServer::Http2Connection::callbacks() {
  nghttp2_session_callbacks* calls = nullptr;
  if (nghttp2_session_callbacks_new(&calls) != 0) throw std::runtime_error("cannot start HTTP/2");
  nghttp2_session_callbacks_set_on_header_callback(
      calls,
      [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t length,
         const std::uint8_t* value, std::size_t value_length, std::uint8_t, void* self) {
        static_cast<Http2Connection*>(self)->on_header(
            frame->hd.stream_id, {reinterpret_cast<const char*>(name), length},
            {reinterpret_cast<const char*>(value), value_length});
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      calls, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t*,
                std::size_t length, void* self) {
        static_cast<Http2Connection*>(self)->stream(id).body_size += length;
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      calls, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
        const bool has_request =
            frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
        if (has_request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
          auto& connection = *static_cast<Http2Connection*>(self);
          connection.on_request(connection.stream(frame->hd.stream_id));
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      calls, [](nghttp2_session*, std::int32_t id, std::uint32_t, void* self) {
        static_cast<Http2Connection*>(self)->streams_.erase(id);
        return 0;
      });
  return calls;
}

SlowServer::Http2Connection::Stream& SlowServer::Http2Connection::stream(std::int32_t id) {
  auto& place = streams_[id];
  if (!place) place = std::make_unique<Stream>(*this, id);
  return *place;
}

void SlowServer::Http2Connection::on_header(std::int32_t id, std::string_view name,
                                            std::string_view value) {
  if (name == ":method") {
    stream(id).method = value;
  } else if (name == ":path") {
    stream(id).target = value;
  } else if (name == "x-request-id") {
    stream(id).request_id = value;
  }
}

void SlowServer::Http2Connection::on_request(Stream& stream) {
  stream.answer = server_.answer_to(stream.target);
  if (server_.log_) server_.log({.target = stream.target, .request_id = stream.request_id});
  if (stream.answer.delay.count() == 0) {
    answer(stream);
    return;
  }
  server_.loop_.timers().set(
      stream.delay, server_.loop_.now() +
                        std::chrono::duration_cast<std::chrono::nanoseconds>(stream.answer.delay));
}

void SlowServer::Http2Connection::answer_late(Stream& stream) {
  answer(stream);
  send();
}

void SlowServer::Http2Connection::answer(Stream& stream) {
  switch (stream.answer.fault) {
    case SlowFault::kNone:
      stream.body = response_body({.method = stream.method,
                                   .target = stream.target,
                                   .request_id = stream.request_id,
                                   .body_size = stream.body_size},
                                  stream.answer);
      submit(stream, std::to_string(stream.body.size()), false);
      return;
    case SlowFault::kBadGzip:
      stream.body = "not gzip";
      submit(stream, "8", true);
      return;
    case SlowFault::kTooLong:
      stream.body = "begun";
      submit(stream, "4294967296", false);
      return;
    default:
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id,
                                NGHTTP2_INTERNAL_ERROR);
  }
}

void SlowServer::Http2Connection::submit(Stream& stream, std::string_view length, bool is_gzip) {
  const std::string status = std::to_string(stream.answer.status);
  std::vector<nghttp2_nv> headers = {header(":status", status)};
  nghttp2_data_provider body{};
  body.source.ptr = &stream;
  body.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t room,
                          std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
    auto& of = *static_cast<Stream*>(source->ptr);
    const std::size_t count = std::min(room, of.body.size() - of.sent);
    std::memcpy(buffer, of.body.data() + of.sent, count);
    of.sent += count;
    if (of.sent == of.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  };
  const bool has_body = !stream.body.empty();
  if (has_body) {
    headers.push_back(header("content-type", "application/json"));
    headers.push_back(header("content-length", length));
  }
  if (is_gzip) headers.push_back(header("content-encoding", "gzip"));
  nghttp2_submit_response(session_.get(), stream.id, headers.data(), headers.size(),
                          has_body ? &body : nullptr);
}

void SlowServer::Http2Connection::on_ready(net::Interest ready) {
  if (ready.write && !send()) return;
  const ssize_t got = socket_.receive(server_.scratch_);
  if (got == 0 || (got < 0 && errno != EAGAIN)) {
    server_.close(socket_.fd());
    return;
  }
  if (got > 0) take({server_.scratch_.data(), static_cast<std::size_t>(got)});
}

bool SlowServer::Http2Connection::take(std::string_view bytes) {
  const ssize_t taken = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken >= 0) return send();
  server_.close(socket_.fd());
  return false;
}

bool SlowServer::Http2Connection::send() {
  for (;;) {
    while (out_.size() < kGathered) {
      const std::uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
      if (size <= 0) break;
      out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    if (out_.empty()) break;
    while (sent_ < out_.size()) {
      const ssize_t sent = socket_.send(std::string_view(out_).substr(sent_));
      if (sent > 0) {
        sent_ += static_cast<std::size_t>(sent);
      } else if (errno == EAGAIN) {
        watch_.set({.read = true, .write = true});
        return true;
      } else {
        server_.close(socket_.fd());
        return false;
      }
    }
    out_.clear();
    sent_ = 0;
  }
  watch_.set({.read = true, .write = false});
  if (nghttp2_session_want_read(session_.get()) != 0) return true;
  server_.close(socket_.fd());
  return false;
}

}  // namespace patient_http::test
