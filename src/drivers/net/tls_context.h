#pragma once

#include <memory>
#include <string>

#include "drivers/net/tls_session_cache.h"
#include "patient_http/result.h"

struct ssl_ctx_st;

namespace patient_http::net {

// What all TLS sessions of a client share: the CA certificates, read once, and the rules
// (TLS 1.2 or newer, certificates verified), and the sessions to resume: those that were verified
// by these rules. Immutable but for these; sessions of several threads may share it.
class TlsContext {
 public:
  // Trusts the certificates of `ca_file` (PEM), or the system's when it is empty: those of
  // SSL_CERT_FILE, or of the distribution's bundle. Fails when a file cannot be read.
  [[nodiscard]] static Result<TlsContext> create(const std::string& ca_file);

  TlsContext(TlsContext&&) noexcept;
  TlsContext& operator=(TlsContext&&) noexcept;
  ~TlsContext();

  [[nodiscard]] ssl_ctx_st* get() const { return context_.get(); }
  [[nodiscard]] TlsSessionCache& sessions() const { return *sessions_; }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

  std::unique_ptr<TlsSessionCache> sessions_ = std::make_unique<TlsSessionCache>();
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace patient_http::net
