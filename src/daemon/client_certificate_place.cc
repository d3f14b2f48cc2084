#include "daemon/client_certificate_place.h"

#include "daemon/option_value.h"

namespace patient_http::daemon {

ClientCertificate ClientCertificatePlace::certificate() const {
  ClientCertificate certificate{
      .host = host, .certificate_file = certificate_file, .key_file = key_file};
  if (!passphrase) return certificate;
  if (passphrase->kind == SecretSource::Kind::kValue) {
    certificate.passphrase = [value = passphrase->text] { return std::optional(value); };
  } else {
    certificate.passphrase = passphrase->function();
  }
  return certificate;
}

std::string ClientCertificatePlace::masked_toml(const std::string& comment) const {
  std::string text = "[[client_certificates]]" + comment + "host = " + toml_string(host) +
                     "\ncertificate_file = " + toml_string(certificate_file) + "\n";
  if (!key_file.empty()) text += "key_file = " + toml_string(key_file) + "\n";
  if (passphrase) text += "passphrase = " + passphrase->masked_toml() + "\n";
  return text;
}

}  // namespace patient_http::daemon
