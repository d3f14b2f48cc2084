#include "patient_http/error.h"

#include <utility>

namespace patient_http {

namespace {

template <class T, class... Kind>
Result<Error, InvalidValue> read_as(const Json& json, Kind... kind) {
  auto error = T::from_json(json, kind...);
  if (!error) return unexpected(std::move(error.error()));
  return Error(std::move(*error));
}

}  // namespace

Result<Error, InvalidValue> Error::from_json(const Json& json, ErrorKind kind) {
  if (json.find("response")) return read_as<HttpError>(json);
  if (json.find("redirects")) return read_as<RedirectError>(json);
  return read_as<RequestError>(json, kind);
}

Json Error::to_json() const {
  return std::visit([](const auto& error) { return error.to_json(); }, error_);
}

ErrorKind Error::kind() const noexcept {
  if (const auto* error = if_request_error()) return error->kind();
  if (const auto* error = if_redirect_error()) return error->kind();
  return ErrorKind::kHttpStatus;
}

std::string_view Error::error_type() const noexcept {
  // What was read may have a type of its own.
  if (const auto* error = if_request_error()) return error->error_type();
  return patient_http::error_type(kind());
}

std::string_view Error::class_name() const noexcept {
  return std::visit([](const auto& error) { return std::string_view(error.class_name()); }, error_);
}

std::string Error::message() const {
  return std::visit([](const auto& error) { return std::string(error.message()); }, error_);
}

const std::string& Error::request_id() const noexcept {
  if (const auto* error = if_http_error()) return error->response().request_id();
  if (const auto* error = if_redirect_error()) return error->request_id();
  return if_request_error()->request_id();
}

const std::string& Error::url() const noexcept {
  if (const auto* error = if_http_error()) return error->response().url();
  if (const auto* error = if_redirect_error()) return error->url();
  return if_request_error()->url();
}

std::optional<Seconds> Error::duration() const noexcept {
  if (const auto* error = if_http_error()) return error->response().duration();
  if (const auto* error = if_redirect_error()) return error->duration();
  return if_request_error()->duration();
}

const CallbackArgs& Error::callback_args() const noexcept {
  if (const auto* error = if_http_error()) return error->response().callback_args();
  if (const auto* error = if_redirect_error()) return error->callback_args();
  return if_request_error()->callback_args();
}

}  // namespace patient_http
