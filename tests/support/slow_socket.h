#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <memory>
#include <span>
#include <string_view>

#include "drivers/net/fd.h"

namespace patient_http::test {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

// The server's end of a connection, plain or TLS; non-blocking, as recv(2) and send(2) are: 0 is
// the end, -1 a failure, errno EAGAIN when it is to be tried again.
class SlowSocket {
 public:
  // `context` null: plain. A handshake runs inside receive().
  SlowSocket(net::Fd socket, SSL_CTX* context);

  [[nodiscard]] ssize_t receive(std::span<char> buffer);
  [[nodiscard]] ssize_t send(std::string_view bytes);

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] bool is_tls() const { return ssl_ != nullptr; }

 private:
  [[nodiscard]] ssize_t tls_result(int result) const;

  net::Fd socket_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

}  // namespace patient_http::test
