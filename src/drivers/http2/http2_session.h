#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "drivers/http2/http2_request.h"

struct nghttp2_session;

namespace patient_http::http2 {

using StreamId = std::int32_t;

// What write_to() may exceed its limit by: a frame of the size that every server must take.
inline constexpr std::size_t kFrameRoom = 16 * 1024 + 64;

// How much of a response's head and trailers is read before it counts as hostile.
struct HeadLimits {
  std::size_t bytes = 64 * 1024;
  std::size_t fields = 256;
};

// How a stream ended without a whole response.
struct StreamFailure {
  enum class Kind {
    kRefused,        // the server has not looked at it: REFUSED_STREAM, GOAWAY, or never sent
    kHttp1Required,  // as above, and the server wants HTTP/1.1 for it
    kReset,          // RST_STREAM
    kHeadTooLarge,
    kMalformed,
  };
  Kind kind = Kind::kReset;
  std::string message;
};

// Receives one stream's response, in this order. Informational responses (1xx) and trailers are
// left out. The views live for the call. After on_response_end() or on_stream_failed(), or a call
// of abandon(), the handler is not called again.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // The request's HEADERS frame, and its last frame, are in the output.
  virtual void on_head_written() = 0;
  virtual void on_request_written() = 0;
  virtual void on_head_begin(int status) = 0;
  virtual void on_header(std::string_view name, std::string_view value) = 0;
  // `content_length` is negative when the response does not say.
  virtual void on_head_end(std::int64_t content_length) = 0;
  // The bytes count against both windows until consume_stream() and consume_connection().
  virtual void on_body(std::string_view bytes) = 0;
  virtual void on_response_end() = 0;
  virtual void on_stream_failed(StreamFailure failure) = 0;
};

// Bytes for the server.
struct Output {
  std::string bytes;
  bool holds_secrets = false;  // wipe it when it is sent
};

// Told of what concerns a whole connection.
class SessionHandler {
 public:
  virtual ~SessionHandler() = default;
  // stream_limit() may have changed.
  virtual void on_settings() = 0;
  // The server takes no more streams: is_draining().
  virtual void on_goaway() = 0;
};

// The client's side of an HTTP/2 connection, without its socket: bytes of the server go into
// feed(), bytes for it come out of write_to(). Framing, header compression, stream states and flow
// control are nghttp2's. Calls of handlers may call any method but feed(), write_to() and the
// destructor. Used by one thread.
class Http2Session {
 public:
  Http2Session(HeadLimits limits, SessionHandler& handler);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // Opens a stream. `handler` must outlive it, or abandon it. Nothing if no stream can be opened
  // here any more.
  [[nodiscard]] std::optional<StreamId> submit(Http2Request request, StreamHandler& handler);
  // Resets the stream, whose handler hears no more of it; its body is no more read.
  void abandon(StreamId id);

  // False when the connection is of no use any more: see failure(). What is written says so to the
  // server.
  [[nodiscard]] bool feed(std::string_view bytes);
  // Appends what is to be sent, whole frames until `out` holds `most` bytes; at most kFrameRoom
  // more. False as feed().
  [[nodiscard]] bool write_to(Output& out, std::size_t most);
  [[nodiscard]] bool wants_write() const;

  // Bytes of a request's body that are in the output, or were; 0 when the stream is over.
  [[nodiscard]] std::size_t body_written(StreamId id) const;

  void ping();
  // Bytes of a body were taken: the server may send as many more.
  void consume_stream(StreamId id, std::size_t bytes);
  void consume_connection(std::size_t bytes);
  // Begins anew to count frames that bring nothing; without it, so many of them in the life of a
  // connection are an attack.
  void forgive_idle_frames() { idle_frames_ = idle_bytes_ = 0; }

  // SETTINGS_MAX_CONCURRENT_STREAMS; nothing until the first SETTINGS came.
  [[nodiscard]] std::optional<std::size_t> stream_limit() const;
  [[nodiscard]] bool is_draining() const { return is_draining_; }
  // "GOAWAY with ENHANCE_YOUR_CALM", or empty.
  [[nodiscard]] const std::string& goaway() const { return goaway_; }
  // Why feed() or write_to() said no.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  friend struct SessionCallbacks;

  struct Stream {
    Stream(StreamHandler& its_handler, Http2Request its_request)
        : handler(&its_handler), request(std::move(its_request)) {}

    StreamHandler* handler;  // null: abandoned, or over
    Http2Request request;    // nghttp2 reads its texts where they are
    std::size_t body_written = 0;
    int status = 0;
    bool has_head = false;      // the final one
    bool is_head_told = false;  // on_head_begin()
    bool has_ended = false;     // the response is whole
    bool was_reset = false;     // by the server
    std::int64_t content_length = -1;
    std::size_t head_bytes = 0;
    std::size_t head_fields = 0;
    std::optional<StreamFailure> failure;
  };
  struct FreeSession {
    void operator()(nghttp2_session* session) const;
  };

  [[nodiscard]] Stream* find(StreamId id);
  void close_stream(StreamId id, std::uint32_t code);
  [[nodiscard]] StreamFailure failure_of(const Stream& stream, std::uint32_t code) const;

  HeadLimits limits_;
  SessionHandler& handler_;
  std::unique_ptr<nghttp2_session, FreeSession> session_;
  std::unordered_map<StreamId, Stream> streams_;
  Output* out_ = nullptr;  // during write_to()
  std::size_t most_ = 0;
  bool has_settings_ = false;
  bool is_draining_ = false;
  std::size_t idle_frames_ = 0;
  std::size_t idle_bytes_ = 0;
  std::string goaway_;
  std::string failure_;
};

}  // namespace patient_http::http2
