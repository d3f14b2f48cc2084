#include "engine/net_error_kind.h"

namespace patient_http::engine {

ErrorKind error_kind_of(net::NetFailure::Kind kind) {
  using Kind = net::NetFailure::Kind;
  switch (kind) {
    case Kind::kResolve:
      return ErrorKind::kResolve;
    case Kind::kRefused:
      return ErrorKind::kRefused;
    case Kind::kUnreachable:
      return ErrorKind::kUnreachable;
    case Kind::kReset:
      return ErrorKind::kReset;
    case Kind::kClosed:
      return ErrorKind::kClosed;
    case Kind::kTls:
      return ErrorKind::kTls;
    case Kind::kTlsCertificate:
      return ErrorKind::kTlsCertificate;
    case Kind::kProxy:
      return ErrorKind::kProxy;
    case Kind::kDenied:
      return ErrorKind::kPolicy;
    case Kind::kOther:
      return ErrorKind::kConnection;
  }
  return ErrorKind::kUnknown;
}

}  // namespace patient_http::engine
