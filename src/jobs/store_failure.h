#pragma once

#include <string>

#include "patient_http/result.h"

namespace patient_http::jobs {

// Why a store did not do what it was asked. Whatever the kind, nothing was half done: either the
// whole step stands (its reply was lost) or none of it. Repeating the step is always harmless.
struct StoreFailure {
  enum class Kind {
    kUnavailable,  // busy, disk full, I/O, connection: try again later
    kInUse,        // another live process has what is wanted: in open() the store, and one of the
                   // two wants it for itself; in complete_as() its claims
    kDamaged,      // the store contradicts itself, or is not a store of ours
    kMisuse,       // a bug here, a newer schema, or a store that is closed
  };
  Kind kind;
  std::string message;
};

template <class T>
using StoreResult = Result<T, StoreFailure>;

}  // namespace patient_http::jobs
