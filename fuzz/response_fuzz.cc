// Response: what from_json() takes is written and read back as the same response.
#include "patient_http/response.h"

#include "fuzz/property.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace patient_http;
  using fuzz::require;

  const auto json = Json::parse(fuzz::text_of(data, size));
  if (!json) return 0;
  const auto response = Response::from_json(*json);
  if (!response) {
    require(!response.error().field.empty(), "a failure names its field");
    return 0;
  }
  const Json written = fuzz::written_and_read(response->to_json());
  std::string appended;
  response->append_json(appended);
  require(appended == written.dump(), "append_json() writes what to_json() gives");
  const auto again = Response::from_json(written);
  require(again.has_value(), "what to_json() writes is a response");
  require(again->to_json() == written, "… which is written the same again");
  require(again->status() == response->status() && again->headers() == response->headers() &&
              again->body() == response->body() && again->duration() == response->duration() &&
              again->request_id() == response->request_id() && again->url() == response->url() &&
              again->method() == response->method() &&
              again->callback_args() == response->callback_args() &&
              again->redirects() == response->redirects(),
          "… and the same one");
  require(!response->json() || response->is_json(), "only JSON is parsed");
  return 0;
}
