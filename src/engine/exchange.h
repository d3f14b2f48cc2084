#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "patient_http/error.h"
#include "patient_http/http_headers.h"

namespace patient_http::engine {

// A request in the bytes of HTTP/1. `body` must outlive the exchange; it may be empty.
struct OutgoingMessage {
  std::string head;
  std::string_view body;
  // The head is wiped when it is sent, or when it will not be. REQUIRES: a small body has room
  // behind the head (http1_head).
  bool holds_secrets = false;
};

// How an exchange failed, as far as the connection knows.
struct ExchangeFailure {
  ErrorKind kind = ErrorKind::kUnknown;
  std::string message;
  // Whether a byte of the request was given to the kernel.
  bool bytes_left = false;
  // Whether the connection had served before and ended before a byte of the response: the server
  // closed it while it was idle, and our request crossed that on its way.
  bool stale = false;
};

// One request and its response on a connection, seen from the one who wants it. Called on the
// reactor thread, and never again after on_exchange_done() or on_exchange_failed(). Each call may
// abandon the exchange.
class ExchangeListener {
 public:
  virtual ~ExchangeListener() = default;

  // The last byte of the request was given to the kernel.
  virtual void on_sent() = 0;
  // `content_length` is negative when the response does not say.
  virtual void on_response_head(int status, HttpHeaders headers, std::int64_t content_length) = 0;
  virtual void on_body(std::string_view bytes) = 0;
  virtual void on_exchange_done() = 0;
  virtual void on_exchange_failed(ExchangeFailure failure) = 0;
  // Asked before each read. False: nothing is read until HttpConnection::resume().
  [[nodiscard]] virtual bool may_read() = 0;
};

// A connection that carries exchanges: one at a time with HTTP/1.1. HTTP/2 will carry many; what
// its users see is this class. Belongs to the reactor thread.
class HttpConnection {
 public:
  virtual ~HttpConnection() = default;

  // Sends `message`. `listener` must outlive the exchange. Never calls it before it returns,
  // except for on_sent().
  virtual void start(OutgoingMessage message, ExchangeListener& listener) = 0;
  // Ends the exchange of `listener`, which hears no more of it. With HTTP/1.1 this closes the
  // connection; no other exchange is disturbed.
  virtual void abandon(ExchangeListener& listener) = 0;
  // Reads on after may_read() said no.
  virtual void resume(ExchangeListener& listener) = 0;
  // "203.0.113.5:443", for messages.
  [[nodiscard]] virtual const std::string& peer() const = 0;
};

}  // namespace patient_http::engine
