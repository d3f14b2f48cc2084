#include "jobs/callback_runner.h"

#include <memory>
#include <stdexcept>

#include "base/json_text.h"
#include "base/text.h"
#include "jobs/user_exception.h"

namespace patient_http::jobs {

namespace {

// Its name stands in the job.
class UnknownCallback final : public std::runtime_error {
 public:
  explicit UnknownCallback(const std::string& name)
      : std::runtime_error("no callback is registered as " +
                           base::json_string(base::to_valid_utf8(name))) {}
};

}  // namespace

void CallbackRunner::run(const std::string& callback,
                         const std::variant<Response, Error>& outcome) const {
  const auto found = options_.registered.find(callback);
  if (found == options_.registered.end()) throw UnknownCallback(callback);
  const auto* response = std::get_if<Response>(&outcome);
  if (response != nullptr) {
    for (const auto& hook : options_.after_completion) hook(*response);
  } else {
    for (const auto& hook : options_.after_error) hook(std::get<Error>(outcome));
  }
  const std::unique_ptr<Callback> object = found->second();
  if (object == nullptr) throw std::logic_error("the function that makes a callback gave none");
  if (response != nullptr) {
    object->on_complete(*response);
  } else {
    object->on_error(std::get<Error>(outcome));
  }
}

void CallbackRunner::exhausted(const Error& error) const noexcept {
  if (!options_.on_retries_exhausted) return;
  try {
    options_.on_retries_exhausted(error);
  } catch (...) {
    const JobFailure failure = describe_exception(std::current_exception());
    log_.error("on_retries_exhausted threw " + failure.error_class + ": " + failure.message);
  }
}

}  // namespace patient_http::jobs
