#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "patient_http/result.h"

struct http_parser;

namespace patient_http::http1 {

// http_parser reads no larger heads, whatever it is told.
inline constexpr std::size_t kLargestHead = std::size_t{80} * 1024;

// How much of a response's head and trailers is read before it counts as hostile. `bytes` is at
// most kLargestHead.
struct HeadLimits {
  std::size_t bytes = 64 * 1024;
  std::size_t fields = 256;
};

struct ParseFailure {
  enum class Kind { kMalformed, kHeadTooLarge };
  Kind kind = Kind::kMalformed;
  std::string message;
};

// Receives one response, in this order. Informational responses (1xx) are left out. The views
// live for the call.
class ResponseHandler {
 public:
  virtual ~ResponseHandler() = default;
  virtual void on_head_begin(int status) = 0;
  virtual void on_header(std::string_view name, std::string_view value) = 0;
  // `content_length` is negative when the response does not say, and 0 when its status has no body.
  virtual void on_head_end(std::int64_t content_length) = 0;
  virtual void on_body(std::string_view bytes) = 0;
};

// Reads one HTTP/1 response after the other from the bytes of one connection. The grammar is
// http_parser's. Used by one thread.
class ResponseParser {
 public:
  explicit ResponseParser(HeadLimits limits);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // Gets ready for the next response.
  void reset();

  // Reads on and calls `handler`; stops behind the end of the response. Gives the number of bytes
  // that belonged to it. A handler may call stop() to end the reading early.
  [[nodiscard]] Result<std::size_t, ParseFailure> feed(std::string_view bytes,
                                                       ResponseHandler& handler);
  // The peer ended the connection: completes a response that lasts until then, and fails when a
  // response was cut off.
  [[nodiscard]] Result<void, ParseFailure> feed_end(ResponseHandler& handler);

  // From inside a handler's call: feed() returns as soon as it can, and calls no more.
  void stop();

  // Whether the response is complete.
  [[nodiscard]] bool is_complete() const { return complete_; }
  // Whether anything of a response was read, an informational one included.
  [[nodiscard]] bool has_begun() const { return begun_; }
  // Whether the connection may serve another request. REQUIRES: is_complete().
  [[nodiscard]] bool keeps_alive() const { return keeps_alive_; }

 private:
  struct Callbacks;  // what http_parser calls

  [[nodiscard]] bool charge(std::size_t bytes);
  void flush_header();
  [[nodiscard]] ParseFailure failure_now() const;
  [[nodiscard]] bool is_informational() const;

  HeadLimits limits_;
  std::unique_ptr<http_parser> parser_;
  ResponseHandler* handler_ = nullptr;  // during feed()
  std::string name_;
  std::string value_;
  bool in_value_ = false;
  bool status_told_ = false;
  bool in_trailers_ = false;
  bool begun_ = false;
  bool complete_ = false;
  bool keeps_alive_ = false;
  bool stopped_ = false;
  bool too_large_ = false;
  bool switches_protocols_ = false;
  bool bad_status_ = false;
  bool bad_value_ = false;
  bool framed_twice_ = false;  // by length and in chunks
  std::size_t head_bytes_ = 0;
  std::size_t head_fields_ = 0;
};

}  // namespace patient_http::http1
