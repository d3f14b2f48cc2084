#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "drivers/net/fd.h"
#include "drivers/net/net_failure.h"
#include "drivers/net/tls_context.h"

struct ssl_session_st;
struct ssl_st;

namespace patient_http::net {

// What a read, a write or a handshake step came to.
enum class IoStatus {
  kDone,       // bytes moved, or the handshake is complete
  kWantRead,   // nothing now: wait until the socket is readable
  kWantWrite,  // nothing now: wait until the socket is writable
  kEnd,        // the peer ended its side in order
  kFailed,     // see failure()
};

struct IoResult {
  IoStatus status = IoStatus::kDone;
  std::size_t bytes = 0;
};

// What a TLS client offers in the handshake (ALPN, RFC 7301).
enum class Alpn { kHttp1, kHttp2, kHttp2OrHttp1 };

// With whom a TLS client speaks, and what about.
struct TlsPeer {
  std::string host;
  std::uint16_t port = 0;
  Alpn alpn = Alpn::kHttp1;
};

// A connected socket, plain or TLS. Never blocks and never raises SIGPIPE. Used by one thread.
class Stream {
 public:
  explicit Stream(Fd socket) : socket_(std::move(socket)) {}
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  // Puts a TLS client session on the socket, or on the session that is there already: TLS through a
  // tunnel of a proxy that is reached with TLS. The host is sent as SNI and must be what the
  // certificate is for. Resumes an earlier session with the same peer when there is one. Then call
  // handshake() until it is done. `context` must outlive the stream.
  [[nodiscard]] bool start_tls(const TlsContext& context, const TlsPeer& peer);
  [[nodiscard]] IoStatus handshake();

  [[nodiscard]] IoResult read(std::span<char> buffer);
  [[nodiscard]] IoResult write(std::string_view bytes);

  [[nodiscard]] int fd() const { return socket_.get(); }
  // Whether the peer chose HTTP/2 in the handshake.
  [[nodiscard]] bool has_chosen_http2() const;
  [[nodiscard]] bool is_tls() const { return ssl_ != nullptr; }
  // What OpenSSL calls with a session that may be resumed; they come after the handshake, too.
  static int on_new_session(ssl_st* ssl, ssl_session_st* session);
  // Whether bytes are buffered that readiness of the socket will not announce.
  [[nodiscard]] bool has_buffered_bytes() const;
  // Why the last call failed.
  [[nodiscard]] const NetFailure& last_failure() const { return failure_; }

 private:
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  // Where the sessions of this connection are kept.
  struct SessionPlace {
    TlsSessionCache& cache;
    std::string key;
  };

  [[nodiscard]] IoStatus status_of(int result, const char* what);

  Fd socket_;
  // The sessions point to them; the second is for TLS with a proxy, below the other.
  std::unique_ptr<SessionPlace> session_place_;
  std::unique_ptr<SessionPlace> lower_session_place_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  NetFailure failure_;
};

}  // namespace patient_http::net
