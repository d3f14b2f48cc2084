#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "patient_http/result.h"

struct evp_pkey_st;
struct ssl_st;
struct x509_st;

namespace patient_http::net {

// Where a client's certificate is kept, in PEM.
struct ClientIdentityFiles {
  std::string certificate;  // with those behind it that lead to a known authority
  std::string key;          // may be the same file
  std::optional<std::string> passphrase = std::nullopt;
};

// A certificate and its key, with which a client says who it is. Immutable; several threads may
// use it.
class ClientIdentity {
 public:
  // Fails when a file cannot be read, the key does not belong to the certificate, or the
  // certificate is not valid now. The message names the file, and no secret.
  [[nodiscard]] static Result<ClientIdentity> load(const ClientIdentityFiles& files);

  ClientIdentity(ClientIdentity&&) noexcept;
  ClientIdentity& operator=(ClientIdentity&&) noexcept;
  ~ClientIdentity();

  // Shows it to the peer of this session, if that asks.
  [[nodiscard]] bool use_in(ssl_st* ssl) const;

 private:
  struct Free {
    void operator()(x509_st* certificate) const;
    void operator()(evp_pkey_st* key) const;
  };
  using Certificate = std::unique_ptr<x509_st, Free>;
  using Key = std::unique_ptr<evp_pkey_st, Free>;

  ClientIdentity() = default;
  [[nodiscard]] Result<void> read_certificates(const std::string& path);
  [[nodiscard]] Result<void> read_key(const ClientIdentityFiles& files);
  [[nodiscard]] Result<void> check(const ClientIdentityFiles& files) const;

  Certificate certificate_;
  std::vector<Certificate> issuers_;
  Key key_;
};

}  // namespace patient_http::net
