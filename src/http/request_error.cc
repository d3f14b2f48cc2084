#include <utility>

#include "base/text.h"
#include "http/json_fields.h"
#include "patient_http/error.h"

namespace patient_http {

namespace {

constexpr std::string_view kOwnClass = "PatientHttp::RequestError";

// What Ruby's to_s makes of a member: null is an empty text.
std::string text_of(const Json& json, std::string_view key) {
  const Json& value = http::member(json, key);
  if (value.is_null()) return {};
  return value.if_string() ? *value.if_string() : value.dump();
}

}  // namespace

RequestError::RequestError(RequestErrorOptions options)
    : kind_(options.kind),
      message_(base::to_valid_utf8(options.message)),
      error_type_(patient_http::error_type(options.kind)),
      class_name_(ruby_class(options.kind)),
      request_id_(base::to_valid_utf8(options.request_id)),
      url_(base::to_valid_utf8(options.url)),
      method_(to_string(options.method)),
      callback_args_(std::move(options.callback_args)),
      duration_(options.duration.count()),
      backtrace_(Json::Array()) {}

Result<RequestError, InvalidValue> RequestError::from_json(const Json& json, ErrorKind kind) {
  if (!json.is_object()) {
    return unexpected(
        InvalidValue{"error", "must be an object, got " + std::string(json.type_name())});
  }
  auto args = CallbackArgs::create(http::member(json, "callback_args"));
  if (!args) return unexpected(std::move(args.error()));
  auto duration = http::read_seconds(json, "duration");
  if (!duration) return unexpected(std::move(duration.error()));

  RequestError error;
  error.kind_ = kind;
  error.callback_args_ = std::move(*args);
  error.class_name_ = text_of(json, "class_name");
  // An exception without a message has the name of its class as its message.
  const bool has_message = !http::member(json, "message").is_null();
  error.message_ = has_message ? text_of(json, "message") : std::string(kOwnClass);
  error.error_type_ = text_of(json, "error_type");
  error.request_id_ = text_of(json, "request_id");
  error.url_ = text_of(json, "url");
  error.method_ = text_of(json, "http_method");
  error.duration_ = std::move(*duration);
  error.backtrace_ = http::member(json, "backtrace");
  error.raw_ = Json::object({{"class_name", http::member(json, "class_name")},
                             {"request_id", http::member(json, "request_id")},
                             {"url", http::member(json, "url")}});
  return error;
}

Json RequestError::to_json() const {
  // Null where the one that was read has null.
  const auto as_read = [this](std::string_view key, const std::string& text) {
    return raw_.is_null() ? Json(text) : *raw_.find(key);
  };
  return Json::object({{"class_name", as_read("class_name", class_name_)},
                       {"message", message_},
                       {"backtrace", backtrace_},
                       {"request_id", as_read("request_id", request_id_)},
                       {"error_type", error_type_},
                       {"duration", duration_},
                       {"url", as_read("url", url_)},
                       {"http_method", method_},
                       {"callback_args", callback_args_.to_json()}});
}

std::optional<Seconds> RequestError::duration() const noexcept {
  const auto seconds = duration_.to_double();
  if (!seconds) return std::nullopt;
  return Seconds(*seconds);
}

}  // namespace patient_http
