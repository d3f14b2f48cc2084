#include "patient_http/tls_options.h"

namespace patient_http {

std::string_view to_string(TlsVersion version) noexcept {
  return version == TlsVersion::kTls13 ? "1.3" : "1.2";
}

std::optional<TlsVersion> parse_tls_version(std::string_view text) noexcept {
  if (text == "1.2") return TlsVersion::kTls12;
  if (text == "1.3") return TlsVersion::kTls13;
  return std::nullopt;
}

}  // namespace patient_http
