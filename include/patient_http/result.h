#pragma once

#include <string>
#include <tl/expected.hpp>

namespace patient_http {

// What went wrong in service, in words for a person: what was tried, on what, and what came back.
// Holds no secret, no body and no query string.
struct Failure {
  std::string message;

  bool operator==(const Failure&) const = default;
};

// A value, or the reason why there is none. Functions that return one are [[nodiscard]].
template <class T, class E = Failure>
using Result = tl::expected<T, E>;

// Makes the failed state of a Result: `return failure("cannot open " + path);`
inline tl::unexpected<Failure> failure(std::string message) {
  return tl::unexpected<Failure>(Failure{std::move(message)});
}

// The same for any other error type.
template <class E>
tl::unexpected<std::decay_t<E>> unexpected(E&& error) {
  return tl::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

}  // namespace patient_http
