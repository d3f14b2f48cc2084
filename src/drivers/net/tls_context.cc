#include "drivers/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "drivers/net/openssl_error.h"
#include "drivers/net/stream.h"

namespace patient_http::net {

std::string take_openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return {};
  const char* reason = ERR_reason_error_string(code);
  if (reason != nullptr) return reason;
  std::array<char, 256> buffer{};
  ERR_error_string_n(code, buffer.data(), buffer.size());
  return buffer.data();
}

namespace {

// OpenSSL's own default is a folder that it searches anew in every handshake; we read a bundle
// once.
std::string system_ca_file() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): read only, before any thread of ours runs.
  if (const char* given = std::getenv("SSL_CERT_FILE"); given != nullptr && *given != '\0') {
    return given;
  }
  for (const char* bundle :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"}) {
    std::error_code ignored;
    if (std::filesystem::exists(bundle, ignored)) return bundle;
  }
  return {};
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
TlsContext::~TlsContext() = default;

const ClientIdentity* TlsContext::identity_for(const std::string& host, std::uint16_t port) const {
  const auto found = std::find_if(identities_.begin(), identities_.end(),
                                  [&](const HostIdentity& each) { return each.fits(host, port); });
  return found != identities_.end() ? &found->identity : nullptr;
}

Result<TlsContext> TlsContext::create(TlsContextOptions options) {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context.context_) return failure("cannot set up TLS: " + take_openssl_error());
  SSL_CTX* ctx = context.get();
  context.identities_ = std::move(options.identities);
  // What the machine's openssl.cnf says may be stricter.
  const int oldest = options.needs_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (SSL_CTX_get_min_proto_version(ctx) < oldest) SSL_CTX_set_min_proto_version(ctx, oldest);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  // Thousands of connections wait for minutes: buffers are given back while nothing is read.
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(ctx, 0);
  // The cache is ours: OpenSSL's own finds sessions by their id, which a client does not know.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, Stream::on_new_session);

  const std::string file = options.ca_file.empty() ? system_ca_file() : options.ca_file;
  if (file.empty()) return context;  // every handshake will fail to verify, and say so
  if (SSL_CTX_load_verify_file(ctx, file.c_str()) != 1) {
    const std::string reason = take_openssl_error();
    return failure("cannot read CA certificates from " + file +
                   (reason.empty() ? "" : ": " + reason));
  }
  return context;
}

}  // namespace patient_http::net
