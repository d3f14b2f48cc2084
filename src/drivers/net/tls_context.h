#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "drivers/net/client_identity.h"
#include "drivers/net/tls_session_cache.h"
#include "patient_http/result.h"

struct ssl_ctx_st;

namespace patient_http::net {

// Who we are for some hosts.
struct HostIdentity {
  std::function<bool(const std::string& host, std::uint16_t port)> fits;
  ClientIdentity identity;
};

struct TlsContextOptions {
  // PEM; empty: the system's, those of SSL_CERT_FILE, or of the distribution's bundle.
  std::string ca_file = {};
  bool needs_tls13 = false;  // TLS 1.2 will not do
  // The first that fits a host is shown to it, if it asks; to all others none.
  std::vector<HostIdentity> identities = {};
};

// What all TLS sessions of a client share: the CA certificates, read once, and the rules
// (TLS 1.2 or newer, certificates verified), and the sessions to resume: those that were verified
// by these rules, and each with the host for which it was made. Immutable but for these; sessions
// of several threads may share it.
class TlsContext {
 public:
  // Fails when a file of CA certificates cannot be read.
  [[nodiscard]] static Result<TlsContext> create(TlsContextOptions options);
  [[nodiscard]] static Result<TlsContext> create(const std::string& ca_file) {
    return create(TlsContextOptions{.ca_file = ca_file});
  }

  TlsContext(TlsContext&&) noexcept;
  TlsContext& operator=(TlsContext&&) noexcept;
  ~TlsContext();

  [[nodiscard]] ssl_ctx_st* get() const { return context_.get(); }
  [[nodiscard]] TlsSessionCache& sessions() const { return *sessions_; }
  // Null: none.
  [[nodiscard]] const ClientIdentity* identity_for(const std::string& host,
                                                   std::uint16_t port) const;

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

  std::unique_ptr<TlsSessionCache> sessions_ = std::make_unique<TlsSessionCache>();
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::vector<HostIdentity> identities_;
};

}  // namespace patient_http::net
