#include "engine/options_check.h"

#include <stdexcept>

#include "base/text.h"
#include "drivers/crypto/wipe.h"
#include "drivers/net/client_identity.h"
#include "engine/host_pattern.h"

namespace patient_http {

namespace {

// What a secret gives is a copy of ours.
class Passphrase {
 public:
  explicit Passphrase(const SecretFunction& function)
      : text_(function ? function() : std::nullopt) {}
  ~Passphrase() {
    if (text_) crypto::wipe(*text_);
  }
  Passphrase(const Passphrase&) = delete;
  Passphrase& operator=(const Passphrase&) = delete;

  [[nodiscard]] const std::optional<std::string>& text() const { return text_; }

 private:
  std::optional<std::string> text_;
};

Result<net::ClientIdentity> load_identity(const ClientCertificate& certificate) {
  const std::string what = "the client certificate for " + certificate.host + ": ";
  try {
    const Passphrase passphrase(certificate.passphrase);
    if (certificate.passphrase && !passphrase.text()) {
      return failure(what + "there is no passphrase where it was to be");
    }
    const std::string& key = certificate.key_file;
    auto identity = net::ClientIdentity::load({certificate.certificate_file,
                                               key.empty() ? certificate.certificate_file : key,
                                               passphrase.text()});
    if (!identity) return failure(what + identity.error().message);
    return identity;
  } catch (const std::exception& error) {
    return failure(what + "cannot get the passphrase: " + std::string(base::what_of(error)));
  }
}

}  // namespace

Result<void> ClientCertificate::check_files() const {
  const auto identity = load_identity(*this);
  if (!identity) return unexpected(identity.error());
  return {};
}

namespace engine {

void require_valid(const ProcessorOptions& options) {
  std::string message;
  for (const std::string& problem : options.validate()) {
    message += message.empty() ? problem : "; " + problem;
  }
  if (!message.empty()) throw std::invalid_argument(message);
}

net::TlsContext make_tls_context(const ProcessorOptions& options) {
  net::TlsContextOptions tls{.ca_file = options.ca_file,
                             .needs_tls13 = options.tls_min_version == TlsVersion::kTls13};
  for (const ClientCertificate& certificate : options.client_certificates) {
    auto identity = load_identity(certificate);
    if (!identity) throw std::runtime_error(identity.error().message);
    tls.identities.push_back(
        {[pattern = certificate.host](const std::string& host, std::uint16_t port) {
           const auto parsed = HostPattern::parse(pattern);
           return parsed && parsed->fits(host, port);
         },
         std::move(*identity)});
  }
  auto context = net::TlsContext::create(std::move(tls));
  if (!context) throw std::runtime_error(context.error().message);
  return std::move(*context);
}

}  // namespace engine

}  // namespace patient_http
