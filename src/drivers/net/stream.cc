#include "drivers/net/stream.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "drivers/net/openssl_error.h"

namespace patient_http::net {

namespace {

// OpenSSL's socket BIO uses write(2), which raises SIGPIPE inside the program that we are part of.
// This one uses send(2) with MSG_NOSIGNAL. The descriptor is the BIO's data.
int bio_fd(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(bio_fd(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(bio_fd(bio), data, static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

long bio_control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    // OpenSSL 3 asks for this to tell an orderly end from a cut connection.
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default:
      return 0;
  }
}

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* make_bio_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_control);
  BIO_meth_set_create(method, bio_create);
  return method;
}

// Kept for the life of the process, as OpenSSL keeps its own.
const BIO_METHOD* bio_method() {
  static const BIO_METHOD* const method = make_bio_method();
  return method;
}

bool is_ip_address(const std::string& host) {
  std::array<unsigned char, 16> ignored;
  return inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

// Each name with its length before it, the preferred first.
std::string_view alpn_offer(Alpn alpn) {
  constexpr std::string_view kOffer = "\x02h2\x08http/1.1";
  constexpr std::size_t kHttp2Size = 3;
  switch (alpn) {
    case Alpn::kHttp1:
      return kOffer.substr(kHttp2Size);
    case Alpn::kHttp2:
      return kOffer.substr(0, kHttp2Size);
    case Alpn::kHttp2OrHttp1:
      return kOffer;
  }
  return {};
}

std::string session_key(const TlsPeer& peer) {
  return peer.host + ":" + std::to_string(peer.port) + " " + std::string(alpn_offer(peer.alpn));
}

}  // namespace

void Stream::FreeSsl::operator()(ssl_st* ssl) const {
  // Without an alert of ours OpenSSL would take the connection for broken, and spoil its session.
  SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_SENT_SHUTDOWN);
  SSL_free(ssl);
}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

bool Stream::start_tls(const TlsContext& context, const TlsPeer& peer) {
  const std::string& host = peer.host;
  ERR_clear_error();
  std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(context.get()));
  BIO* bio = ssl ? BIO_new(ssl_ ? BIO_f_ssl() : bio_method()) : nullptr;
  if (bio == nullptr) {
    failure_ = {NetFailure::Kind::kTls, "cannot start TLS: " + take_openssl_error()};
    return false;
  }
  if (ssl_) {
    lower_session_place_ = std::move(session_place_);
    BIO_set_ssl(bio, ssl_.release(), BIO_CLOSE);
  } else {
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket_.get())));
  }
  SSL_set_bio(ssl.get(), bio, bio);
  ssl_ = std::move(ssl);
  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  bool named = false;
  if (is_ip_address(host)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str()) == 1;
  } else {
    named = SSL_set1_host(ssl_.get(), host.c_str()) == 1 &&
            SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     const_cast<char*>(host.c_str())) == 1;
  }
  // Only ever for this host and port: a session that is resumed is of the same two.
  if (const ClientIdentity* identity = context.identity_for(host, peer.port);
      identity != nullptr && !identity->use_in(ssl_.get())) {
    failure_ = {NetFailure::Kind::kTls,
                "cannot use the client certificate: " + take_openssl_error()};
    return false;
  }
  const std::string_view offer = alpn_offer(peer.alpn);
  SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(offer.data()),
                      static_cast<unsigned>(offer.size()));
  SSL_set_connect_state(ssl_.get());
  session_place_ =
      std::make_unique<SessionPlace>(SessionPlace{context.sessions(), session_key(peer)});
  SSL_set_app_data(ssl_.get(), session_place_.get());
  if (const TlsSession session = context.sessions().take(session_place_->key)) {
    SSL_set_session(ssl_.get(),
                    session.get());  // refuses one that no longer fits: a full handshake
  }
  if (!named) failure_ = {NetFailure::Kind::kTls, "not a host name that TLS can verify: " + host};
  return named;
}

IoStatus Stream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return IoStatus::kDone;
  const IoStatus status = status_of(result, "TLS handshake");
  if (status == IoStatus::kFailed) session_place_->cache.drop(session_place_->key);
  return status;
}

int Stream::on_new_session(ssl_st* ssl, ssl_session_st* session) {
  const auto* place = static_cast<const SessionPlace*>(SSL_get_app_data(ssl));
  place->cache.put(place->key, TlsSession(session));
  return 1;  // the reference is ours now
}

IoResult Stream::read(std::span<char> buffer) {
  if (!ssl_) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) return {IoStatus::kDone, static_cast<std::size_t>(got)};
    if (got == 0) return {IoStatus::kEnd, 0};
    if (errno == EAGAIN || errno == EINTR) return {IoStatus::kWantRead, 0};
    failure_ = failure_of_errno(errno, "receive");
    return {IoStatus::kFailed, 0};
  }
  ERR_clear_error();
  std::size_t got = 0;
  const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &got);
  if (result == 1) return {IoStatus::kDone, got};
  return {status_of(result, "receive"), 0};
}

IoResult Stream::write(std::string_view bytes) {
  if (!ssl_) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return {IoStatus::kDone, static_cast<std::size_t>(sent)};
    if (errno == EAGAIN || errno == EINTR) return {IoStatus::kWantWrite, 0};
    failure_ = failure_of_errno(errno, "send");
    return {IoStatus::kFailed, 0};
  }
  ERR_clear_error();
  std::size_t sent = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent);
  if (result == 1) return {IoStatus::kDone, sent};
  return {status_of(result, "send"), 0};
}

bool Stream::has_chosen_http2() const {
  if (!ssl_) return false;
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return std::string_view(reinterpret_cast<const char*>(name), size) == "h2";
}

bool Stream::has_buffered_bytes() const {
  if (!ssl_) return false;
  SSL* lower = nullptr;
  BIO_get_ssl(SSL_get_rbio(ssl_.get()), &lower);
  return SSL_pending(ssl_.get()) > 0 || (lower != nullptr && SSL_pending(lower) > 0);
}

IoStatus Stream::status_of(int result, const char* what) {
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return IoStatus::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return IoStatus::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return IoStatus::kEnd;
    case SSL_ERROR_SYSCALL:
      if (saved_errno != 0) {
        failure_ = failure_of_errno(saved_errno, what);
      } else {
        failure_ = {NetFailure::Kind::kClosed, std::string(what) + ": the connection was closed"};
      }
      return IoStatus::kFailed;
    default:
      break;
  }
  const long verified = SSL_get_verify_result(ssl_.get());
  const unsigned long code = ERR_peek_error();
  if (verified != X509_V_OK && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    ERR_clear_error();
    failure_ = {NetFailure::Kind::kTlsCertificate,
                std::string(what) +
                    ": certificate verify failed: " + X509_verify_cert_error_string(verified)};
  } else if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    failure_ = {NetFailure::Kind::kClosed,
                std::string(what) + ": the peer closed the connection without ending TLS"};
  } else {
    failure_ = {NetFailure::Kind::kTls, std::string(what) + ": " + take_openssl_error()};
  }
  return IoStatus::kFailed;
}

}  // namespace patient_http::net
