#pragma once

#include <nghttp2/nghttp2.h>

#include "drivers/http2/http2_session.h"

namespace patient_http::http2 {

// What nghttp2 calls; the user data is the session. Private to this folder.
struct SessionCallbacks {
  // Lives as long as the process.
  [[nodiscard]] static const nghttp2_session_callbacks* table();

  // The body as a data source.
  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t length,
                           std::uint32_t* flags, nghttp2_data_source*, void* user);

 private:
  using Stream = Http2Session::Stream;

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user);
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user);
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t*,
                               std::size_t, const std::uint8_t*, std::size_t, std::uint8_t,
                               void* user);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user);
  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user);
  static int on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int on_frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error, void* user);
  static int send_body(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                       std::size_t size, nghttp2_data_source*, void* user);

  static void on_goaway(Http2Session& self, const nghttp2_goaway& goaway);
  static void head_complete(Http2Session& self, StreamId id, bool is_end);
  static void response_complete(Http2Session& self, StreamId id);
  static int take_field(Http2Session& self, Stream& stream, std::string_view name,
                        std::string_view value);
};

}  // namespace patient_http::http2
