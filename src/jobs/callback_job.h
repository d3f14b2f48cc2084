#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "jobs/job_opener.h"
#include "patient_http/error.h"
#include "patient_http/response.h"
#include "patient_http/result.h"

// Callback jobs: the JSON in which an outcome waits for its callback. The form is Sidekiq's, with
// the class and the arguments of the gem patient_http-sidekiq (docs/protocol.md).
namespace patient_http::jobs {

struct CallbackJobOptions {
  std::string queue = "default";
  // How often a callback that fails is tried again; none: as often as Sidekiq does, 25 times.
  std::optional<int> retries = std::nullopt;
};

// What a callback job is made of, beside the outcome.
struct NewCallbackJob {
  std::string request_id;
  std::string callback;
  std::string carried = {};  // as in RequestJob
  // Of an error; none: it is a response.
  std::optional<ErrorKind> error_kind = std::nullopt;
  std::string jid = {};  // callback_jid(request_id), where that is known; empty: it is computed
};

// The jid of a request's callback job: the same for every hand-over of the same request.
[[nodiscard]] std::string callback_jid(std::string_view request_id);

// The JSON of an outcome, as it stands in a callback job.
[[nodiscard]] std::string outcome_json(const std::variant<Response, Error>& outcome);

// The bytes of a callback job. `data` is outcome_json(), or what JobSealer made of it.
[[nodiscard]] std::string make_callback_job(std::string_view data, const NewCallbackJob& job,
                                            const CallbackJobOptions& options = {});

// A callback job, read.
struct CallbackJob {
  std::string jid;
  std::string callback;
  // An error knows its kind when the job is one of ours.
  std::variant<Response, Error> outcome;
  Json reference;  // of the request job; null when it had none
};

// Reads a job's bytes, and its data from wherever that is kept.
[[nodiscard]] Result<CallbackJob, UnopenedData> parse_callback_job(std::string_view bytes,
                                                                   const JobOpener& opener);

}  // namespace patient_http::jobs
