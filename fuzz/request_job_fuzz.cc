// Request jobs: what can be run is made into a job that gives the same request again.
#include "jobs/request_job.h"

#include "fuzz/plain_opener.h"
#include "fuzz/property.h"

namespace {

using namespace patient_http;
using fuzz::require;

// The members that a callback job takes over, as an object.
Json carried_object(const std::string& carried) {
  const auto json = Json::parse("{\"first\":0" + carried + "}");
  require(json.has_value(), "what is carried over are members of an object");
  return *json;
}

void check_unrunnable(const jobs::UnrunnableJob& job) {
  require(!job.reason.empty(), "there is a reason");
  if (job.what != jobs::UnrunnableJob::What::kInvalidRequest) return;
  require(!job.request_id.empty() && !job.callback.empty(), "an error can be told to a callback");
  carried_object(job.carried);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto job = jobs::parse_request_job(fuzz::text_of(data, size), fuzz::plain_opener());
  if (!job) {
    check_unrunnable(job.error());
    return 0;
  }
  require(!job->request_id.empty() && !job->callback.empty(), "a job has an id and a callback");
  const Json carried = carried_object(job->carried);
  const Json* reference = carried.find("reference");

  const auto again = jobs::parse_request_job(
      jobs::make_request_job(job->request,
                             {.jid = "0123456789abcdef01234567",
                              .request_id = job->request_id,
                              .callback = job->callback,
                              .raise_error_responses = job->raise_error_responses,
                              .callback_args = job->callback_args.to_json(),
                              .reference = reference != nullptr ? *reference : Json()}),
      fuzz::plain_opener());
  require(again.has_value(), "what make_request_job() writes is a job");
  require(again->request == job->request, "… of the same request");
  require(again->request_id == job->request_id && again->callback == job->callback &&
              again->callback_args == job->callback_args &&
              again->raise_error_responses == job->raise_error_responses,
          "… with the same callback");
  const Json carried_again = carried_object(again->carried);
  const Json* reference_again = carried_again.find("reference");
  require(reference == nullptr || reference->is_null() ||
              (reference_again != nullptr && *reference_again == *reference),
          "… and the same reference");
  return 0;
}
