#include "patient_http/request.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/json_text.h"
#include "base/text.h"
#include "base/url.h"
#include "http/json_fields.h"
#include "http/request_params.h"
#include "http/request_url.h"

namespace patient_http {

namespace {

using http::member;

constexpr std::string_view kContentType = "content-type";

std::string_view content_type_of(const HttpHeaders& headers) {
  return headers.get(kContentType).value_or(std::string_view());
}

Result<void, InvalidValue> check_headers(const HttpHeaders& headers) {
  if (auto valid = headers.validate(); !valid) return valid;
  for (const auto& [name, value] : headers.entries()) {
    const auto* text = std::get_if<std::string>(&value);
    const auto* texts = std::get_if<std::vector<std::string>>(&value);
    if ((text && !base::is_valid_utf8(*text)) ||
        (texts && !std::all_of(texts->begin(), texts->end(), base::is_valid_utf8))) {
      return unexpected(InvalidValue{"headers." + name, "must be valid UTF-8"});
    }
  }
  return {};
}

Result<void, InvalidValue> check_timeout(double seconds) {
  if (!std::isfinite(seconds)) return unexpected(InvalidValue{"timeout", "must be finite"});
  if (seconds > 0) return {};
  return unexpected(
      InvalidValue{"timeout", "must be greater than 0, got " + base::ruby_float(seconds)});
}

Result<void, InvalidValue> check_preprocessors(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (base::trim(name).empty()) {
      return unexpected(InvalidValue{"preprocessors", "must be names, got an empty one"});
    }
    if (!base::is_valid_utf8(name)) {
      return unexpected(InvalidValue{"preprocessors", "must be valid UTF-8"});
    }
  }
  return {};
}

Result<std::optional<int>, InvalidValue> read_max_redirects(const Json& value) {
  if (value.is_null()) return std::nullopt;
  const auto number = value.to_int64();
  if (!number || *number < 0 || *number > std::numeric_limits<int>::max()) {
    return unexpected(InvalidValue{
        "max_redirects", "must be an integer of 0 or more, got " + value.dump().substr(0, 40)});
  }
  return static_cast<int>(*number);
}

// Preprocessors are a list of names; Ruby also takes a single one.
Result<std::vector<std::string>, InvalidValue> read_preprocessors(const Json& json) {
  const std::string* single = member(json, "preprocessors").if_string();
  if (single) return std::vector<std::string>{*single};
  return http::read_texts(json, "preprocessors");
}

Result<void, InvalidValue> read_on_interrupted(const Json& value, RequestOptions& options) {
  if (value.is_null()) return {};
  const std::string* word = value.if_string();
  const auto what = word != nullptr ? parse_on_interrupted(*word) : std::nullopt;
  if (!what) {
    return unexpected(InvalidValue{
        "on_interrupted", R"(must be "resend" or "error", got )" + value.dump().substr(0, 40)});
  }
  options.on_interrupted = *what;
  return {};
}

// What is neither true nor false is refused: it may have been meant to be true.
Result<void, InvalidValue> read_untrusted(const Json& value, RequestOptions& options) {
  if (value.is_null()) return {};
  const bool* is_untrusted = value.if_bool();
  if (is_untrusted == nullptr) {
    return unexpected(
        InvalidValue{"untrusted", "must be true or false, got " + std::string(value.type_name())});
  }
  options.is_untrusted = *is_untrusted;
  return {};
}

// What the gem does not know.
Result<void, InvalidValue> read_own_fields(const Json& json, RequestOptions& options) {
  auto retry = RetryOptions::from_json(member(json, "retry"));
  if (!retry) return unexpected(std::move(retry.error()));
  options.retry = std::move(*retry);
  const Json& key = member(json, "idempotency_key");
  if (const bool* wanted = key.if_bool()) {
    options.idempotency_key = *wanted;
  } else if (!key.is_null()) {
    return unexpected(InvalidValue{"idempotency_key",
                                   "must be true or false, got " + std::string(key.type_name())});
  }
  auto interrupted = read_on_interrupted(member(json, "on_interrupted"), options);
  return interrupted ? read_untrusted(member(json, "untrusted"), options) : interrupted;
}

}  // namespace

Result<void, InvalidValue> Request::check(const RequestOptions& options) {
  if (auto valid = check_headers(options.headers); !valid) return valid;
  if (options.body && options.json) {
    return unexpected(InvalidValue{"body", "must not be given together with json"});
  }
  const bool has_body = (options.body && !options.body->empty()) || options.json;
  if (has_body && !may_have_body(options.method)) {
    return unexpected(InvalidValue{
        "body", "is not allowed for " + std::string(to_wire(options.method)) + " requests"});
  }
  if (options.json) {
    if (auto found = http::find_unwritable(*options.json, "json", Json::kMaxDepth)) {
      return unexpected(std::move(*found));
    }
  }
  if (options.timeout) {
    auto valid = check_timeout(options.timeout->seconds().count());
    if (!valid) return valid;
  }
  if (options.max_redirects && *options.max_redirects < 0) {
    return unexpected(InvalidValue{
        "max_redirects", "must be 0 or more, got " + std::to_string(*options.max_redirects)});
  }
  if (auto valid = options.retry.validate(); !valid) return valid;
  return check_preprocessors(options.preprocessors);
}

Result<Request, InvalidValue> Request::create(RequestOptions options) {
  if (auto valid = check(options); !valid) return unexpected(std::move(valid.error()));
  auto url = http::request_url(options.url);
  if (!url) return unexpected(InvalidValue{"url", std::move(url.error().message)});
  auto params = http::encode_params(options.params);
  if (!params) return unexpected(std::move(params.error()));

  Request request;
  request.method_ = options.method;
  request.url_ = base::with_query(*url, params->pairs);
  request.headers_ = std::move(options.headers);
  request.secret_params_ = std::move(params->secrets);
  if (options.json) {
    request.body_ = options.json->dump();
    if (!request.headers_.contains(kContentType)) {
      request.headers_.set(kContentType, "application/json; charset=utf-8");
    }
  } else if (options.body && !options.body->empty()) {
    request.body_ = std::move(options.body);
  }
  if (options.timeout) request.timeout_ = options.timeout->to_json();
  request.max_redirects_ = options.max_redirects;
  request.preprocessors_ = std::move(options.preprocessors);
  request.retry_ = std::move(options.retry);
  request.idempotency_key_ = options.idempotency_key;
  request.on_interrupted_ = options.on_interrupted;
  request.is_untrusted_ = options.is_untrusted;
  return request;
}

Result<Request, InvalidValue> Request::from_json(const Json& json) {
  if (!json.is_object()) {
    return unexpected(
        InvalidValue{"request", "must be an object, got " + std::string(json.type_name())});
  }
  RequestOptions options;
  auto method_name = http::read_text(json, "http_method");
  if (!method_name) return unexpected(std::move(method_name.error()));
  const auto method = parse_http_method(*method_name);
  if (!method) return unexpected(InvalidValue{"http_method", method.error().message});
  options.method = *method;
  auto url = http::read_text(json, "url");
  if (!url) return unexpected(std::move(url.error()));
  options.url = std::move(*url);
  auto headers = HttpHeaders::from_json(member(json, "headers"));
  if (!headers) return unexpected(std::move(headers.error()));
  options.headers = std::move(*headers);
  if (const Json::Object* secrets = member(json, "secret_params").if_object()) {
    for (const Json::Member& secret : *secrets) {
      if (!SecretReference::is_reference(secret.value)) {
        return unexpected(InvalidValue{"secret_params." + secret.key, "must be a secret"});
      }
    }
    options.params = *secrets;
  } else if (!member(json, "secret_params").is_null()) {
    return unexpected(InvalidValue{"secret_params", "must be an object"});
  }
  auto timeout = http::read_seconds(json, "timeout");
  if (!timeout) return unexpected(std::move(timeout.error()));
  if (!timeout->is_null()) options.timeout = Seconds(*timeout->to_double());
  auto max_redirects = read_max_redirects(member(json, "max_redirects"));
  if (!max_redirects) return unexpected(std::move(max_redirects.error()));
  options.max_redirects = *max_redirects;
  auto preprocessors = read_preprocessors(json);
  if (!preprocessors) return unexpected(std::move(preprocessors.error()));
  options.preprocessors = std::move(*preprocessors);
  if (auto own = read_own_fields(json, options); !own) return unexpected(std::move(own.error()));

  auto payload = Payload::from_json(member(json, "body"));
  if (!payload) return unexpected(InvalidValue{"body", std::move(payload.error().message)});
  if (*payload) {
    auto body = (*payload)->decode();
    if (!body) return unexpected(InvalidValue{"body", std::move(body.error().message)});
    options.body = std::move(*body);
  }
  auto request = create(std::move(options));
  if (!request) return request;
  request->timeout_ = std::move(*timeout);
  if (request->body_ &&
      !(*payload)->is_canonical(*request->body_, content_type_of(request->headers_))) {
    request->stored_body_ = std::move(*payload);
  }
  return request;
}

Json Request::to_json() const {
  Json body;
  if (stored_body_) {
    body = stored_body_->to_json();
  } else if (body_) {
    body = Payload::encode(*body_, content_type_of(headers_)).to_json();
  }
  Json json = Json::object({{"http_method", to_string(method_)},
                            {"url", url_},
                            {"headers", headers_.to_json()},
                            {"body", std::move(body)},
                            {"timeout", timeout_},
                            {"max_redirects", max_redirects_ ? Json(*max_redirects_) : Json()}});
  if (!secret_params_.empty()) {
    Json secrets{Json::Object()};
    for (const auto& [name, secret] : secret_params_) secrets.set(name, secret.to_json());
    json.set("secret_params", std::move(secrets));
  }
  if (!preprocessors_.empty()) json.set("preprocessors", http::to_json(preprocessors_));
  if (!retry_.is_default()) json.set("retry", retry_.to_json());
  if (idempotency_key_) json.set("idempotency_key", *idempotency_key_);
  if (on_interrupted_ != OnInterrupted::kResend) {
    json.set("on_interrupted", to_string(on_interrupted_));
  }
  if (is_untrusted_) json.set("untrusted", true);
  return json;
}

std::optional<Seconds> Request::timeout() const noexcept {
  const auto seconds = timeout_.to_double();
  if (!seconds) return std::nullopt;
  return Seconds(*seconds);
}

std::optional<Timeout> Request::timeout_as_given() const {
  if (const auto whole = timeout_.to_int64()) return std::chrono::seconds(*whole);
  const auto given = timeout();
  if (!given) return std::nullopt;
  return *given;
}

bool Request::operator==(const Request& other) const {
  return method_ == other.method_ && url_ == other.url_ && headers_ == other.headers_ &&
         body_ == other.body_ && timeout_ == other.timeout_ &&
         max_redirects_ == other.max_redirects_ && secret_params_ == other.secret_params_ &&
         preprocessors_ == other.preprocessors_ && retry_ == other.retry_ &&
         idempotency_key_ == other.idempotency_key_ && on_interrupted_ == other.on_interrupted_ &&
         is_untrusted_ == other.is_untrusted_;
}

}  // namespace patient_http
