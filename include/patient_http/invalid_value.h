#pragma once

#include <string>

namespace patient_http {

// Why a value was not built: which field, and what is wrong with it. The reason names the offending
// value where that is harmless, and never a secret, a body or a query string.
struct InvalidValue {
  std::string field;   // "timeout", "headers.x-api-key", "callback_args.a[1].b"
  std::string reason;  // "must be greater than 0, got -1"

  // "timeout must be greater than 0, got -1"
  [[nodiscard]] std::string message() const { return field + " " + reason; }

  bool operator==(const InvalidValue&) const = default;
};

}  // namespace patient_http
