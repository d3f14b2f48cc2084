#pragma once

#include <openssl/ssl.h>

#include "support/test_http_server.h"

namespace patient_http::test {

// What the TLS connections of a TestHttpServer share. For its own sources.
struct TestHttpServer::TlsServer {
  explicit TlsServer(const TestCertificate& certificate);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  SSL_CTX* context;
};

}  // namespace patient_http::test
