// Callback jobs: what is read is written and read back as the same outcome.
#include "jobs/callback_job.h"

#include "fuzz/plain_opener.h"
#include "fuzz/property.h"

namespace {

using namespace patient_http;

Json json_of(const std::variant<Response, Error>& outcome) {
  return std::visit([](const auto& result) { return result.to_json(); }, outcome);
}

std::optional<ErrorKind> kind_of(const std::variant<Response, Error>& outcome) {
  const auto* error = std::get_if<Error>(&outcome);
  return error != nullptr ? std::optional(error->kind()) : std::nullopt;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using fuzz::require;

  const auto job = jobs::parse_callback_job(fuzz::text_of(data, size), fuzz::plain_opener());
  if (!job) {
    require(!job.error().reason.empty(), "a failure has a message");
    return 0;
  }
  const std::string carried =
      job->reference.is_null() ? std::string() : ",\"reference\":" + job->reference.dump();
  const auto again =
      jobs::parse_callback_job(jobs::make_callback_job(jobs::outcome_json(job->outcome),
                                                       {.request_id = job->jid,
                                                        .callback = job->callback,
                                                        .carried = carried,
                                                        .error_kind = kind_of(job->outcome)}),
                               fuzz::plain_opener());
  require(again.has_value(), "what make_callback_job() writes is a job");
  require(again->jid == jobs::callback_jid(job->jid), "its jid is made from the request's id");
  require(again->callback == job->callback && again->reference == job->reference,
          "callback and reference stay");
  require(again->outcome.index() == job->outcome.index() &&
              json_of(again->outcome) == json_of(job->outcome) &&
              kind_of(again->outcome) == kind_of(job->outcome),
          "so does the outcome");
  return 0;
}
