// Error: what from_json() takes is written and read back as the same kind of error.
#include "patient_http/error.h"

#include "fuzz/property.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace patient_http;
  using fuzz::require;

  const auto json = Json::parse(fuzz::text_of(data, size));
  if (!json) return 0;
  const auto error = Error::from_json(*json);
  if (!error) {
    require(!error.error().field.empty(), "a failure names its field");
    return 0;
  }
  const Json written = fuzz::written_and_read(error->to_json());
  const auto again = Error::from_json(written);
  require(again.has_value(), "what to_json() writes is an error");
  require(again->to_json() == written, "… which is written the same again");
  require(again->kind() == error->kind() && again->error_type() == error->error_type() &&
              again->class_name() == error->class_name() && again->message() == error->message() &&
              again->request_id() == error->request_id() && again->url() == error->url() &&
              again->duration() == error->duration() &&
              again->callback_args() == error->callback_args(),
          "… and the same one");
  return 0;
}
