#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/http2/http2_session.h"

namespace patient_http::http2::test {

// Bytes of a server, frame by frame (RFC 9113 §4.1). Fields are literals that enter no table.
std::string frame(int type, int flags, std::uint32_t stream, std::string_view payload = {});
std::string field(std::string_view name, std::string_view value);
std::string number(std::uint64_t value, int bytes);
// A whole HEADERS frame with a status, and fields made by field().
std::string head(std::uint32_t stream, std::string_view status, std::string_view fields = {},
                 int flags = NGHTTP2_FLAG_END_HEADERS);
std::string data(std::uint32_t stream, std::string_view bytes, int flags = 0);
std::string reset(std::uint32_t stream, std::uint32_t code);
std::string goaway(std::uint32_t last_stream, std::uint32_t code);

inline constexpr int kEnd = NGHTTP2_FLAG_END_STREAM;
inline constexpr int kWhole = NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS;

// Writes down what its stream is told.
class Transcript final : public StreamHandler {
 public:
  void on_head_written() override { text += "<head>"; }
  void on_request_written() override { text += "<all>"; }
  void on_head_begin(int status) override { text += std::to_string(status) + " "; }
  void on_header(std::string_view name, std::string_view value) override {
    text.append(name).append("=").append(value).append(" ");
  }
  void on_head_end(std::int64_t content_length) override {
    text += "length " + std::to_string(content_length) + " ";
  }
  void on_body(std::string_view bytes) override {
    body.append(bytes);
    if (when_body) when_body(bytes);
  }
  void on_response_end() override {
    text += "end";
    if (when_over) when_over();
  }
  void on_stream_failed(StreamFailure its_failure) override {
    text += "failed";
    failure = std::move(its_failure);
    if (when_over) when_over();
  }

  std::string text;
  std::string body;
  std::optional<StreamFailure> failure;
  std::function<void(std::string_view)> when_body;
  std::function<void()> when_over;
};

// What a server saw of one stream.
struct SeenStream {
  struct Field {
    std::string name;
    std::string value;
    bool is_never_indexed = false;
  };
  [[nodiscard]] const Field* find(std::string_view name) const;

  std::vector<Field> fields;
  std::string body;
  bool has_ended = false;
  std::optional<std::uint32_t> reset;
};

// A session of ours, and nghttp2's server that reads what it writes. What the server answers by
// itself (acknowledgements) goes back; everything else the test says in frames.
class SessionPeer final : public SessionHandler {
 public:
  explicit SessionPeer(HeadLimits limits = {});
  ~SessionPeer();
  SessionPeer(const SessionPeer&) = delete;
  SessionPeer& operator=(const SessionPeer&) = delete;

  void on_settings() override { ++settings_seen; }
  void on_goaway() override { ++goaways_seen; }

  // Everything that our session has to write goes to the server, and back.
  void flush();
  // The server says these bytes; then flush(). What feed() says.
  bool say(std::string_view bytes);
  // The server sends SETTINGS.
  void set(nghttp2_settings_id key, std::uint32_t value);
  // The server lets as many more bytes come, on a stream or (0) on the connection.
  void open_window(std::int32_t stream, std::int32_t bytes);

  Http2Session session;
  std::map<std::int32_t, SeenStream> seen;
  std::map<std::int32_t, std::int64_t> windows;  // what WINDOW_UPDATE of ours gave, by stream
  int settings_seen = 0;
  int goaways_seen = 0;
  bool wrote_secrets = false;
  std::string written;  // all bytes of ours

 private:
  struct FreeSession {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  static SessionPeer& self(void* user) { return *static_cast<SessionPeer*>(user); }
  static int on_field(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t flags, void* user);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* user);

  std::unique_ptr<nghttp2_session, FreeSession> server_;
};

// A GET of "/" at "h", without a body.
Http2Request get_request();

}  // namespace patient_http::http2::test
