#include <array>

#include "patient_http/error.h"

namespace patient_http {

namespace {

struct Row {
  ErrorKind kind;
  std::string_view name;        // ours
  std::string_view error_type;  // of the gem
  // Ruby resolves it to a class: only names that exist there, and where it can the class from
  // which the gem derives this very error_type.
  std::string_view ruby_class;
};

constexpr std::string_view kTimeout = "Async::TimeoutError";
constexpr std::string_view kSsl = "OpenSSL::SSL::SSLError";
constexpr std::string_view kStandard = "StandardError";

// In the order of the enumerators.
constexpr std::array kRows = std::to_array<Row>({
    {ErrorKind::kResolveTimeout, "resolve_timeout", "timeout", kTimeout},
    {ErrorKind::kConnectTimeout, "connect_timeout", "timeout", kTimeout},
    {ErrorKind::kFirstByteTimeout, "first_byte_timeout", "timeout", kTimeout},
    {ErrorKind::kIdleTimeout, "idle_timeout", "timeout", kTimeout},
    {ErrorKind::kThroughputTimeout, "throughput_timeout", "timeout", kTimeout},
    {ErrorKind::kTotalTimeout, "total_timeout", "timeout", kTimeout},
    {ErrorKind::kResolve, "resolve", "connection", "SocketError"},
    {ErrorKind::kRefused, "refused", "connection", "Errno::ECONNREFUSED"},
    {ErrorKind::kUnreachable, "unreachable", "connection", "Errno::EHOSTUNREACH"},
    {ErrorKind::kReset, "reset", "connection", "Errno::ECONNRESET"},
    {ErrorKind::kClosed, "closed", "connection", "EOFError"},
    {ErrorKind::kConnection, "connection", "connection", kStandard},
    {ErrorKind::kTls, "tls", "ssl", kSsl},
    {ErrorKind::kTlsCertificate, "tls_certificate", "ssl", kSsl},
    {ErrorKind::kProxy, "proxy", "connection", kStandard},
    {ErrorKind::kProtocol, "protocol", "connection", kStandard},
    {ErrorKind::kDecode, "decode", "connection", kStandard},
    {ErrorKind::kResponseTooLarge, "response_too_large", "response_too_large",
     "PatientHttp::ResponseTooLargeError"},
    {ErrorKind::kHeadersTooLarge, "headers_too_large", "connection", kStandard},
    {ErrorKind::kBodyMemory, "body_memory", "connection", kStandard},
    {ErrorKind::kTooManyRedirects, "too_many_redirects", "redirect",
     "PatientHttp::TooManyRedirectsError"},
    {ErrorKind::kRecursiveRedirect, "recursive_redirect", "redirect",
     "PatientHttp::RecursiveRedirectError"},
    {ErrorKind::kInvalidRedirect, "invalid_redirect", "unknown", kStandard},
    {ErrorKind::kInvalidRequest, "invalid_request", "unknown", kStandard},
    {ErrorKind::kSecretNotFound, "secret_not_found", "unknown",
     "PatientHttp::SecretManager::SecretNotFoundError"},
    {ErrorKind::kPreprocessorNotFound, "preprocessor_not_found", "unknown",
     "PatientHttp::RequestPreparer::PreprocessorNotFoundError"},
    {ErrorKind::kPreprocessorFailed, "preprocessor_failed", "unknown", kStandard},
    {ErrorKind::kCancelled, "cancelled", "unknown", kStandard},
    {ErrorKind::kPolicy, "policy", "unknown", kStandard},
    {ErrorKind::kPoison, "poison", "unknown", kStandard},
    {ErrorKind::kInterrupted, "interrupted", "unknown", kStandard},
    {ErrorKind::kHttpStatus, "http_status", "http_error", "PatientHttp::HttpError"},
    {ErrorKind::kUnknown, "unknown", "unknown", kStandard},
});

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].kind) != i) return false;
  }
  return kRows.size() == static_cast<std::size_t>(ErrorKind::kUnknown) + 1;
}
static_assert(is_in_order());

const Row& row(ErrorKind kind) noexcept {
  return kRows[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string_view to_string(ErrorKind kind) noexcept {
  return row(kind).name;
}

std::optional<ErrorKind> parse_error_kind(std::string_view text) noexcept {
  for (const Row& candidate : kRows) {
    if (candidate.name == text) return candidate.kind;
  }
  return std::nullopt;
}

std::string_view error_type(ErrorKind kind) noexcept {
  return row(kind).error_type;
}

std::string_view ruby_class(ErrorKind kind) noexcept {
  return row(kind).ruby_class;
}

}  // namespace patient_http
