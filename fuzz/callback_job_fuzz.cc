// Callback jobs: what is read is written and read back as the same outcome.
#include "jobs/callback_job.h"

#include "fuzz/property.h"

namespace {

using namespace patient_http;

Json json_of(const std::variant<Response, Error>& outcome) {
  return std::visit([](const auto& result) { return result.to_json(); }, outcome);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using fuzz::require;

  const auto job = jobs::parse_callback_job(fuzz::text_of(data, size));
  if (!job) {
    require(!job.error().message.empty(), "a failure has a message");
    return 0;
  }
  const std::string carried =
      job->reference.is_null() ? std::string() : ",\"reference\":" + job->reference.dump();
  const auto again = jobs::parse_callback_job(
      jobs::make_callback_job(job->outcome, job->jid, job->callback, carried));
  require(again.has_value(), "what make_callback_job() writes is a job");
  require(again->jid == jobs::callback_jid(job->jid), "its jid is made from the request's id");
  require(again->callback == job->callback && again->reference == job->reference,
          "callback and reference stay");
  require(again->outcome.index() == job->outcome.index() &&
              json_of(again->outcome) == json_of(job->outcome),
          "so does the outcome");
  return 0;
}
