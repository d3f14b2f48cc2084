#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "patient_http/result.h"
#include "patient_http/secret_manager.h"

namespace patient_http {

enum class TlsVersion { kTls12, kTls13 };

// "1.2" or "1.3".
[[nodiscard]] std::string_view to_string(TlsVersion version) noexcept;
[[nodiscard]] std::optional<TlsVersion> parse_tls_version(std::string_view text) noexcept;

// Who we are for some hosts that ask for a certificate of their clients. Nobody else sees it: it
// belongs to the host that a connection is made to, redirects or not.
struct ClientCertificate {
  // As in HostLimit: "api.example.com", "*.example.com", "api.example.com:8443".
  std::string host = {};
  // PEM: the certificate, then those that lead to an authority that the server knows.
  std::string certificate_file = {};
  // PEM; empty: it is in certificate_file, too.
  std::string key_file = {};
  // Of an encrypted key. Asked once, when the processor is made.
  SecretFunction passphrase = {};

  // Reads the files as a Processor will. Fails when one cannot be read, the key is not the
  // certificate's, or the certificate is not valid today. Never holds a secret.
  [[nodiscard]] Result<void> check_files() const;
};

}  // namespace patient_http
