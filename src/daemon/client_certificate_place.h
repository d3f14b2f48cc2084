#pragma once

#include <optional>
#include <string>

#include "daemon/secret_source.h"
#include "patient_http/tls_options.h"

namespace patient_http::daemon {

// A client certificate as [[client_certificates]] names it.
struct ClientCertificatePlace {
  std::string host = {};
  std::string certificate_file = {};
  std::string key_file = {};  // empty: it is in certificate_file, too
  std::optional<SecretSource> passphrase = std::nullopt;

  [[nodiscard]] ClientCertificate certificate() const;
  // "[[client_certificates]]" and its keys, a line each, without a secret. `comment` goes behind
  // the first line.
  [[nodiscard]] std::string masked_toml(const std::string& comment) const;

  bool operator==(const ClientCertificatePlace&) const = default;
};

}  // namespace patient_http::daemon
