// Request: what from_json() takes is written and read back as the same request.
#include "patient_http/request.h"

#include "base/text.h"
#include "base/url.h"
#include "fuzz/property.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace patient_http;
  using fuzz::require;

  const auto json = Json::parse(fuzz::text_of(data, size));
  if (!json) return 0;
  const auto request = Request::from_json(*json);
  if (!request) {
    require(!request.error().field.empty(), "a failure names its field");
    require(base::is_valid_utf8(request.error().message()), "a failure can be written");
    return 0;
  }
  const Json written = fuzz::written_and_read(request->to_json());
  const auto again = Request::from_json(written);
  require(again.has_value(), "what to_json() writes is a request");
  require(*again == *request, "… and the same one");
  require(again->to_json() == written, "… which is written the same again");

  require(base::Url::parse(request->url()).has_value(), "a request has a url");
  require(request->headers().validate().has_value(), "its headers can be sent");
  require(!request->body() || may_have_body(request->method()), "GET and DELETE have no body");
  require(!request->timeout() || request->timeout()->count() > 0, "a timeout is positive");
  require(!request->max_redirects() || *request->max_redirects() >= 0, "so are redirects, or 0");
  return 0;
}
