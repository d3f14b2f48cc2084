#include <utility>

#include "base/url.h"
#include "http/json_fields.h"
#include "patient_http/error.h"

namespace patient_http {

Result<HttpError, InvalidValue> HttpError::from_json(const Json& json) {
  auto response = Response::from_json(http::member(json, "response"));
  if (!response) {
    response.error().field.insert(0, "response.");
    return unexpected(std::move(response.error()));
  }
  return HttpError(std::move(*response));
}

Json HttpError::to_json() const {
  return Json::object({{"response", response_.to_json()}});
}

std::string HttpError::message() const {
  return "HTTP " + std::to_string(status()) + " response from " +
         std::string(to_wire(response_.method())) + " " + base::redact_url(response_.url());
}

std::string_view HttpError::class_name() const noexcept {
  if (response_.is_client_error()) return "PatientHttp::ClientError";
  if (response_.is_server_error()) return "PatientHttp::ServerError";
  return ruby_class(ErrorKind::kHttpStatus);
}

}  // namespace patient_http
