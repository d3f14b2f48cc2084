#pragma once

#include <string>

namespace patient_http::net {

// What went wrong with a name, a socket or a TLS session.
struct NetFailure {
  enum class Kind {
    kResolve,
    kRefused,
    kUnreachable,
    kReset,
    kClosed,  // the peer ended the connection where it should not
    kTls,
    kTlsCertificate,
    kProxy,   // refused what it was asked for
    kDenied,  // by an AddressGate
    kOther,
  };
  Kind kind = Kind::kOther;
  std::string message;
};

// The failure that an errno of a socket call means; `what` says what was tried ("connect").
[[nodiscard]] NetFailure failure_of_errno(int error, const char* what);

}  // namespace patient_http::net
