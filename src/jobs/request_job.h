#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/callback_args.h"
#include "patient_http/request.h"
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
  // What the callback job takes over from this one, as JSON members with a leading comma.
  std::string carried;
};

// Why a job cannot be run.
struct UnrunnableJob {
  enum class What {
    // Nobody can run it: it goes to the dead set as it is.
    kMalformed,
    // The request is at fault: an error callback says so. The fields below are set.
    kInvalidRequest,
  };
  What what = What::kMalformed;
  std::string reason;
  std::string request_id = {};
  std::string url = {};
  std::string callback = {};
  CallbackArgs callback_args = {};
  std::string carried = {};
};

// Reads a job's bytes.
[[nodiscard]] Result<RequestJob, UnrunnableJob> parse_request_job(std::string_view bytes);

// What a new job is built from.
struct NewRequestJob {
  std::string jid;  // 24 hex digits; it becomes the request's id when that is empty
  std::string request_id = {};
  std::string queue = "patient_http_requests";
  std::string callback;
  std::optional<bool> raise_error_responses = std::nullopt;
  Json callback_args = {};  // an object, or null for none
  // Comes back in the callback job; null for none.
  Json reference = {};
};

// The bytes of a new job.
[[nodiscard]] std::string make_request_job(const Request& request, const NewRequestJob& job);

}  // namespace patient_http::jobs
