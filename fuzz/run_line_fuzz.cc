// Lines of `patient-http run`: what is taken becomes a job that can be run.
#include "daemon/run_line.h"

#include "base/text.h"
#include "fuzz/plain_opener.h"
#include "fuzz/property.h"
#include "jobs/request_job.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace patient_http;
  using fuzz::require;

  const std::string_view text = fuzz::text_of(data, size);
  const auto line = daemon::parse_run_line(text, 1, ProcessorOptions());
  if (!line) {
    require(!line.error().message.empty(), "a failure has a message");
    return 0;
  }
  require(!daemon::is_blank(text), "a blank line holds no request");
  require(line->id.is_string() || line->id.is_integer(), "an id is a text or an integer");
  require(base::is_valid_utf8(line->id_text), "an id can be written");

  const auto job = jobs::parse_request_job(
      jobs::make_request_job(line->request, {.jid = "0123456789abcdef01234567",
                                             .callback = "run",
                                             .raise_error_responses = line->raise_error_responses,
                                             .callback_args = line->callback_args,
                                             .reference = Json::object({{"id", line->id}})}),
      fuzz::plain_opener());
  require(job.has_value(), "a line's job can be run");
  require(job->request == line->request, "… and is the line's request");
  require(line->callback_args.is_null() ? job->callback_args.empty()
                                        : job->callback_args.to_json() == line->callback_args,
          "… with the line's arguments");
  require(job->raise_error_responses == line->raise_error_responses, "… and its flag");
  return 0;
}
