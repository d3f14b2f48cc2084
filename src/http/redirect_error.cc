#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

#include "base/text.h"
#include "base/url.h"
#include "http/json_fields.h"
#include "patient_http/error.h"

namespace patient_http {

namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return text;
}

}  // namespace

RedirectError::RedirectError(RedirectErrorOptions options)
    : kind_(options.kind),
      url_(base::to_valid_utf8(options.url)),
      method_(to_string(options.method)),
      duration_(options.duration.count()),
      request_id_(base::to_valid_utf8(options.request_id)),
      redirects_(std::move(options.redirects)),
      callback_args_(std::move(options.callback_args)) {
  if (kind_ != ErrorKind::kTooManyRedirects && kind_ != ErrorKind::kRecursiveRedirect) {
    throw std::invalid_argument(
        "a RedirectError is too_many_redirects or recursive_redirect, got " +
        std::string(to_string(kind_)));
  }
}

Result<RedirectError, InvalidValue> RedirectError::from_json(const Json& json) {
  const std::string* class_name = http::member(json, "error_class").if_string();
  RedirectError error;
  if (class_name && *class_name == ruby_class(ErrorKind::kRecursiveRedirect)) {
    error.kind_ = ErrorKind::kRecursiveRedirect;
  } else if (!class_name || *class_name != ruby_class(ErrorKind::kTooManyRedirects)) {
    return unexpected(InvalidValue{"error_class", "must be one of the two redirect errors, got " +
                                                      http::member(json, "error_class").dump()});
  }
  auto url = http::read_text(json, "url");
  if (!url) return unexpected(std::move(url.error()));
  error.url_ = std::move(*url);
  auto method = http::read_text(json, "http_method");
  if (!method) return unexpected(std::move(method.error()));
  error.method_ = std::move(*method);
  auto duration = http::read_seconds(json, "duration");
  if (!duration) return unexpected(std::move(duration.error()));
  error.duration_ = std::move(*duration);
  auto request_id = http::read_text(json, "request_id");
  if (!request_id) return unexpected(std::move(request_id.error()));
  error.request_id_ = std::move(*request_id);
  auto redirects = http::read_texts(json, "redirects");
  if (!redirects) return unexpected(std::move(redirects.error()));
  error.redirects_ = std::move(*redirects);
  auto args = CallbackArgs::create(http::member(json, "callback_args"));
  if (!args) return unexpected(std::move(args.error()));
  error.callback_args_ = std::move(*args);
  error.raw_ = Json::object(
      {{"url", http::member(json, "url")}, {"request_id", http::member(json, "request_id")}});
  return error;
}

Json RedirectError::to_json() const {
  // Null where the one that was read has null.
  const auto as_read = [this](std::string_view key, const std::string& text) {
    return raw_.is_null() ? Json(text) : *raw_.find(key);
  };
  return Json::object({{"error_class", class_name()},
                       {"url", as_read("url", url_)},
                       {"http_method", method_},
                       {"duration", duration_},
                       {"request_id", as_read("request_id", request_id_)},
                       {"redirects", http::to_json(redirects_)},
                       {"callback_args", callback_args_.to_json()}});
}

std::string RedirectError::message() const {
  if (kind_ == ErrorKind::kRecursiveRedirect) {
    return "Recursive redirect detected: " + base::redact_url(url_) +
           " was already visited in redirect chain";
  }
  return "Too many redirects (" + std::to_string(redirects_.size()) + ") while requesting " +
         upper(method_) + " " + base::redact_url(redirects_.empty() ? url_ : redirects_.front());
}

std::optional<Seconds> RedirectError::duration() const noexcept {
  const auto seconds = duration_.to_double();
  if (!seconds) return std::nullopt;
  return Seconds(*seconds);
}

}  // namespace patient_http
