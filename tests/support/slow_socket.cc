#include "support/slow_socket.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace patient_http::test {

SlowSocket::SlowSocket(net::Fd socket, SSL_CTX* context) : socket_(std::move(socket)) {
  if (context == nullptr) return;
  ssl_.reset(SSL_new(context));
  SSL_set_fd(ssl_.get(), socket_.get());
  SSL_set_accept_state(ssl_.get());
}

ssize_t SlowSocket::receive(std::span<char> buffer) {
  if (!ssl_) return recv(socket_.get(), buffer.data(), buffer.size(), 0);
  ERR_clear_error();
  return tls_result(SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size())));
}

ssize_t SlowSocket::send(std::string_view bytes) {
  if (!ssl_) return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  ERR_clear_error();
  return tls_result(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())));
}

ssize_t SlowSocket::tls_result(int result) const {
  if (result > 0) return result;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    default:
      errno = EPROTO;
      return -1;
  }
}

}  // namespace patient_http::test
