#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "patient_http/callback_args.h"
#include "patient_http/request.h"
#include "patient_http/result.h"

namespace patient_http {

// A request that somebody hands in, and what is to become of its result.
struct Submission {
  Request request;
  // The name of a registered callback.
  std::string callback;
  // Comes back with the result.
  CallbackArgs callback_args = {};
  // A response that is not 2xx goes to on_error; the processor's default when unset.
  std::optional<bool> raise_error_responses = std::nullopt;
  // When to send it; at once when unset.
  std::optional<std::chrono::system_clock::time_point> run_at = std::nullopt;
  // Empty: a new UUID. A request with the id of one whose callback has not ended changes nothing:
  // repeat a submission that failed under the same id, and it is not sent twice. Up to 200
  // visible ASCII characters.
  std::string request_id = {};
};

// Why nothing was accepted.
struct SubmitFailure {
  enum class Kind {
    kInvalid,          // the request, or what came with it, is not valid
    kUnknownCallback,  // nobody has registered it here
    kNoHandler,        // no service is started, and none was given
    kUnavailable,      // the store did not answer as it should: it may have been accepted
  };
  Kind kind = Kind::kInvalid;
  std::string message;
};

// Takes requests: a Service, or an InlineService. Those who submit need not know which.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  // Takes all of them or none, and gives their request ids. What was accepted is not lost.
  [[nodiscard]] virtual Result<std::vector<std::string>, SubmitFailure> submit(
      std::vector<Submission> submissions) = 0;
};

// The handler of this process, for those that were given none: a Service registers itself when it
// starts and takes itself back when it stops. It is the last one registered.
//
// Thread safety: any thread. unregister_handler() waits for submissions to it that are under
// way; the handler may be destroyed after it.
void register_handler(RequestHandler& handler);
// Does nothing when another one has been registered since.
void unregister_handler(RequestHandler& handler);
// Submits to the registered handler, or says that there is none.
[[nodiscard]] Result<std::vector<std::string>, SubmitFailure> submit_to_registered_handler(
    std::vector<Submission> submissions);

}  // namespace patient_http
