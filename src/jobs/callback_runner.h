#pragma once

#include <string>
#include <variant>

#include "patient_http/callback.h"
#include "patient_http/log.h"

namespace patient_http::jobs {

// Calls the user's hooks and callbacks.
//
// Thread safety: all methods may be called from any thread; user code then runs on it.
class CallbackRunner {
 public:
  // `options` must outlive this object.
  CallbackRunner(const CallbackOptions& options, Log log)
      : options_(options), log_(std::move(log)) {}

  // Throws what hooks and callback throw, and UnknownCallback when there is none of that name.
  void run(const std::string& callback, const std::variant<Response, Error>& outcome) const;

  // Tells the user that an error callback has used up its tries.
  void exhausted(const Error& error) const noexcept;

 private:
  const CallbackOptions& options_;
  const Log log_;
};

}  // namespace patient_http::jobs
