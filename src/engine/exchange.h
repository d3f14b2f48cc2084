#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/error.h"
#include "patient_http/http_headers.h"

namespace patient_http::engine {

struct PreparedRequest;

// How an exchange failed, as far as the connection knows.
struct ExchangeFailure {
  ErrorKind kind = ErrorKind::kUnknown;
  std::string message;
  // Whether a byte of the request was given to the kernel.
  bool bytes_left = false;
  // Whether the connection had served before, was idle when it was taken, and ended before a byte
  // of the response. If that came soon, the server closed it while it was idle, and our request
  // crossed that on its way.
  bool stale = false;
  // Whether the server cannot have begun with the request: it said so, or never got it whole. It
  // may be sent again, whatever its method.
  bool refused = false;
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
  // Asked before bytes of a body are read. False: none come until HttpConnection::resume(), and it
  // is not asked before.
  [[nodiscard]] virtual bool may_read() = 0;
};

// Memory that all connections of a reactor share, since one reads or writes at a time: one that
// waits costs no buffer.
struct ConnectionBuffers {
  std::vector<char> read;
  std::string write = {};  // empty; lent for its capacity, and taken back when all is written
};

// A connection that carries exchanges: one at a time with HTTP/1.1, many with HTTP/2. Belongs to
// the reactor thread; must not be destroyed from inside its own calls.
class HttpConnection {
 public:
  virtual ~HttpConnection() = default;

  // Sends `request`, whose target and headers it drops, with `body`. `body` and `listener` must
  // outlive the exchange. Never calls the listener before it returns, except for on_sent().
  // REQUIRES: room() > 0.
  virtual void start(PreparedRequest& request, std::string_view body,
                     ExchangeListener& listener) = 0;
  // Ends the exchange of `listener`, which hears no more of it. With HTTP/1.1 this closes the
  // connection; no other exchange is disturbed.
  virtual void abandon(ExchangeListener& listener) = 0;
  // Reads on after may_read() said no.
  virtual void resume(ExchangeListener& listener) = 0;
  // "203.0.113.5:443", for messages.
  [[nodiscard]] virtual const std::string& peer() const = 0;

  // How many more exchanges it can carry now; 0 once it is closed.
  [[nodiscard]] virtual std::size_t room() const = 0;
  [[nodiscard]] virtual bool is_idle() const = 0;
  // While idle: whether the peer has neither closed it nor sent what nobody asked for.
  [[nodiscard]] virtual bool is_fresh() = 0;
  // While idle.
  virtual void close() = 0;
};

// Who keeps connections.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  // room() or is_idle() may have changed: an exchange is over, or the server said how many it
  // takes.
  virtual void on_room_changed(HttpConnection& connection) = 0;
  // It will carry no more exchanges; those that run go on.
  virtual void on_draining(HttpConnection& connection) = 0;
  // The server wants HTTP/1.1 for what it was asked, and it may have that.
  virtual void on_http1_required(HttpConnection& connection) = 0;
  // The connection is closed for good. It is still in use by its caller: destroy it later.
  virtual void on_connection_closed(HttpConnection& connection) = 0;
};

}  // namespace patient_http::engine
