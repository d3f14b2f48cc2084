#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/job_opener.h"
#include "patient_http/callback_args.h"
#include "patient_http/encryption.h"
#include "patient_http/request.h"
#include "patient_http/request_task.h"
#include "patient_http/result.h"

// Request jobs: the JSON in which a request waits in a store. The form is Sidekiq's, with the
// class and the arguments of the gem patient_http-sidekiq (docs/protocol.md), on every store.
namespace patient_http::jobs {

// A job that can be run.
struct RequestJob {
  std::string request_id;
  Request request;
  std::string callback;
  CallbackArgs callback_args;
  std::optional<bool> raise_error_responses;
  // In which the result is to be encrypted; none: as configured.
  std::optional<EncryptionFormat> format;
  // What the callback job takes over from this one, as JSON members with a leading comma.
  std::string carried;
  std::optional<EarlierAttempts> earlier_attempts = std::nullopt;
};

// Why a job cannot be run.
struct UnrunnableJob {
  enum class What {
    // Nobody can run it: it goes to the dead set as it is.
    kMalformed,
    // Its data cannot be read now: it is tried again, and at last goes to the dead set.
    kUnreadable,
    // The request is at fault: an error callback says so. The fields below are set.
    kInvalidRequest,
  };
  What what = What::kMalformed;
  std::string reason;
  std::string request_id = {};
  std::string url = {};
  std::string callback = {};
  CallbackArgs callback_args = {};
  std::optional<EncryptionFormat> format = std::nullopt;
  std::string carried = {};
};

// Reads a job's bytes, and its data from wherever that is kept.
[[nodiscard]] Result<RequestJob, UnrunnableJob> parse_request_job(std::string_view bytes,
                                                                  const JobOpener& opener);

// The bytes of a job with the attempts that were made for it.
[[nodiscard]] std::string with_attempts(std::string bytes, const EarlierAttempts& attempts);

// What a new job is built from.
struct NewRequestJob {
  std::string jid;  // 24 hex digits; it becomes the request's id when that is empty
  std::string request_id = {};
  std::string queue = "patient_http_requests";
  std::string callback;
  std::optional<bool> raise_error_responses = std::nullopt;
  // An object; null for none.
  Json callback_args = {};
  // Whether callback_args is an envelope. The gem never encrypts them, our own store does.
  bool are_args_encrypted = false;
  // Comes back in the callback job; null for none.
  Json reference = {};
};

// The bytes of a new job. `data` is the JSON of a request, or what JobSealer made of it.
[[nodiscard]] std::string make_request_job(std::string_view data, const NewRequestJob& job);
[[nodiscard]] std::string make_request_job(const Request& request, const NewRequestJob& job);

}  // namespace patient_http::jobs
