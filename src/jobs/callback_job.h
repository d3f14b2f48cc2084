#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "patient_http/error.h"
#include "patient_http/response.h"
#include "patient_http/result.h"

// Callback jobs: the JSON in which an outcome waits for its callback. The form is Sidekiq's, with
// the class and the arguments of the gem patient_http-sidekiq (docs/protocol.md).
namespace patient_http::jobs {

struct CallbackJobOptions {
  std::string queue = "default";
};

// The jid of a request's callback job: the same for every hand-over of the same request.
[[nodiscard]] std::string callback_jid(std::string_view request_id);

// The bytes of a callback job. `carried` as in RequestJob.
[[nodiscard]] std::string make_callback_job(const std::variant<Response, Error>& outcome,
                                            std::string_view request_id, std::string_view callback,
                                            std::string_view carried,
                                            const CallbackJobOptions& options = {});

// A callback job, read.
struct CallbackJob {
  std::string jid;
  std::string callback;
  std::variant<Response, Error> outcome;
  // Ours, in our own jobs; kUnknown in others.
  ErrorKind error_kind = ErrorKind::kUnknown;
  Json reference;  // of the request job; null when it had none
};

[[nodiscard]] Result<CallbackJob> parse_callback_job(std::string_view bytes);

}  // namespace patient_http::jobs
