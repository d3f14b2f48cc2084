#include "drivers/net/net_failure.h"

#include <cerrno>
#include <system_error>

namespace patient_http::net {

namespace {

NetFailure::Kind kind_of_errno(int error) {
  switch (error) {
    case ECONNREFUSED:
      return NetFailure::Kind::kRefused;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
      return NetFailure::Kind::kUnreachable;
    case ECONNRESET:
    case ECONNABORTED:
      return NetFailure::Kind::kReset;
    case EPIPE:
      return NetFailure::Kind::kClosed;
    default:
      return NetFailure::Kind::kOther;
  }
}

}  // namespace

NetFailure failure_of_errno(int error, const char* what) {
  return NetFailure{kind_of_errno(error),
                    std::string(what) + ": " + std::generic_category().message(error)};
}

}  // namespace patient_http::net
