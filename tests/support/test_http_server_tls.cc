#include "support/test_http_server_tls.h"

#include <openssl/rand.h>

#include <array>
#include <stdexcept>

namespace patient_http::test {

namespace {

int choose_alpn(SSL*, const unsigned char** out, unsigned char* length,
                const unsigned char* offered, unsigned offered_length, void*) {
  static constexpr std::array<unsigned char, 9> kHttp1 = {8,   'h', 't', 't', 'p',
                                                          '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, length, kHttp1.data(), kHttp1.size(), offered,
                            offered_length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TestHttpServer::TlsServer::TlsServer(const TestCertificate& certificate)
    : context(SSL_CTX_new(TLS_server_method())) {
  if (SSL_CTX_use_certificate_file(context, certificate.certificate_file.c_str(),
                                   SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, certificate.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error("cannot load the test certificate");
  }
  SSL_CTX_set_alpn_select_cb(context, choose_alpn, nullptr);
  // Without it no session of a client with a certificate is resumed.
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("test"), 4);
}

TestHttpServer::TlsServer::~TlsServer() {
  SSL_CTX_free(context);
}

void TestHttpServer::ask_for_certificate(bool is_required) {
  const std::string& ca_file = TestCertificate::get().ca_file;
  if (SSL_CTX_load_verify_file(tls_->context, ca_file.c_str()) != 1) {
    throw std::runtime_error("cannot read " + ca_file);
  }
  SSL_CTX_set_verify(tls_->context,
                     SSL_VERIFY_PEER | (is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
}

void TestHttpServer::pad_certificate_chain(std::size_t bytes) {
  X509* certificate = SSL_CTX_get0_certificate(tls_->context);
  const auto size = static_cast<std::size_t>(i2d_X509(certificate, nullptr));
  for (std::size_t sent = 0; sent < bytes; sent += size) {
    if (SSL_CTX_add1_chain_cert(tls_->context, certificate) != 1) {
      throw std::runtime_error("cannot add a certificate to the chain");
    }
  }
}

void TestHttpServer::stay_at_tls12() {
  SSL_CTX_set_max_proto_version(tls_->context, TLS1_2_VERSION);
}

void TestHttpServer::forget_sessions() {
  std::array<unsigned char, 80> keys{};  // the size that OpenSSL asks for
  if (RAND_bytes(keys.data(), static_cast<int>(keys.size())) != 1 ||
      SSL_CTX_ctrl(tls_->context, SSL_CTRL_SET_TLSEXT_TICKET_KEYS, static_cast<long>(keys.size()),
                   keys.data()) != 1) {
    throw std::runtime_error("cannot change the keys of session tickets");
  }
}

}  // namespace patient_http::test
