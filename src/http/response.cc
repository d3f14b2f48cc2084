#include "patient_http/response.h"

#include <limits>
#include <utility>

#include "base/json_text.h"
#include "base/text.h"
#include "http/json_fields.h"

namespace patient_http {

namespace {

using http::member;

// A text or null as it was read, or the text that it has become.
Json text_or_null(const Json& object, std::string_view key) {
  const Json& value = member(object, key);
  return value.is_null() ? Json() : value;
}

Result<int, InvalidValue> read_status(const Json& json) {
  const Json& value = member(json, "status");
  const auto status = value.to_int64();
  if (status && *status >= 0 && *status <= std::numeric_limits<int>::max()) {
    return static_cast<int>(*status);
  }
  return unexpected(
      InvalidValue{"status", "must be an integer, got " + value.dump().substr(0, 40)});
}

}  // namespace

Response::Response(ResponseOptions options) : fields_(std::move(options)) {}

Response::AsRead Response::as_written() const {
  return {.duration = fields_.duration.count(),
          .request_id = base::to_valid_utf8(fields_.request_id),
          .url = base::to_valid_utf8(fields_.url)};
}

Result<Response, InvalidValue> Response::from_json(const Json& json) {
  if (!json.is_object()) {
    return unexpected(
        InvalidValue{"response", "must be an object, got " + std::string(json.type_name())});
  }
  ResponseOptions options;
  const auto status = read_status(json);
  if (!status) return unexpected(status.error());
  options.status = *status;
  auto headers = HttpHeaders::from_json(member(json, "headers"));
  if (!headers) return unexpected(std::move(headers.error()));
  options.headers = std::move(*headers);
  auto payload = Payload::from_json(member(json, "body"));
  if (!payload) return unexpected(InvalidValue{"body", std::move(payload.error().message)});
  if (*payload) {
    auto body = (*payload)->decode();
    if (!body) return unexpected(InvalidValue{"body", std::move(body.error().message)});
    options.body = std::move(*body);
  }
  const auto duration = http::read_seconds(json, "duration");
  if (!duration) return unexpected(duration.error());
  if (const auto seconds = duration->to_double()) options.duration = Seconds(*seconds);
  auto request_id = http::read_text(json, "request_id");
  if (!request_id) return unexpected(std::move(request_id.error()));
  options.request_id = std::move(*request_id);
  auto url = http::read_text(json, "url");
  if (!url) return unexpected(std::move(url.error()));
  options.url = std::move(*url);
  const auto method_name = http::read_text(json, "http_method");
  if (!method_name) return unexpected(method_name.error());
  if (!method_name->empty()) {
    const auto method = parse_http_method(*method_name);
    if (!method) return unexpected(InvalidValue{"http_method", method.error().message});
    options.method = *method;
  }
  auto args = CallbackArgs::create(member(json, "callback_args"));
  if (!args) return unexpected(std::move(args.error()));
  options.callback_args = std::move(*args);
  auto redirects = http::read_texts(json, "redirects");
  if (!redirects) return unexpected(std::move(redirects.error()));
  options.redirects = std::move(*redirects);

  Response response(std::move(options));
  response.as_read_ = AsRead{.duration = *duration,
                             .request_id = text_or_null(json, "request_id"),
                             .url = text_or_null(json, "url"),
                             .has_method = !method_name->empty()};
  const auto content_type = response.content_type().value_or(std::string_view());
  if (*payload && !(*payload)->is_canonical(*response.body(), content_type)) {
    response.stored_body_ = std::move(*payload);
  }
  return response;
}

Json Response::to_json() const {
  Json body;
  if (stored_body_) {
    body = stored_body_->to_json();
  } else if (fields_.body) {
    const auto type = content_type().value_or(std::string_view());
    body = Payload::encode(*fields_.body, type).to_json();
  }
  AsRead read = as_read_ ? *as_read_ : as_written();
  return Json::object({{"status", fields_.status},
                       {"headers", fields_.headers.to_json()},
                       {"body", std::move(body)},
                       {"duration", std::move(read.duration)},
                       {"request_id", std::move(read.request_id)},
                       {"url", std::move(read.url)},
                       {"http_method", read.has_method ? to_string(fields_.method) : ""},
                       {"callback_args", fields_.callback_args.to_json()},
                       {"redirects", http::to_json(fields_.redirects)}});
}

void Response::append_body(std::string& out) const {
  if (stored_body_) {
    stored_body_->append_json(out);
  } else if (fields_.body) {
    const auto type = content_type().value_or(std::string_view());
    Payload::encode(*fields_.body, type).append_json(out);
  } else {
    out += "null";
  }
}

void Response::append_json(std::string& out) const {
  const AsRead read = as_read_ ? *as_read_ : as_written();
  out += R"({"status":)";
  out += std::to_string(fields_.status);
  out += R"(,"headers":)";
  fields_.headers.to_json().dump_to(out);
  out += R"(,"body":)";
  append_body(out);
  out += R"(,"duration":)";
  read.duration.dump_to(out);
  out += R"(,"request_id":)";
  read.request_id.dump_to(out);
  out += R"(,"url":)";
  read.url.dump_to(out);
  out += R"(,"http_method":")";
  if (read.has_method) out += to_string(fields_.method);
  out += R"(","callback_args":)";
  fields_.callback_args.to_json().dump_to(out);
  out += R"(,"redirects":)";
  http::to_json(fields_.redirects).dump_to(out);
  out += '}';
}

std::optional<std::string_view> Response::content_type() const noexcept {
  return fields_.headers.get("content-type");
}

bool Response::is_json() const noexcept {
  const std::string_view type = content_type().value_or(std::string_view());
  const std::size_t slash = type.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view top = type.substr(0, slash);
  if (!base::ascii_equal_ignoring_case(top, "application") &&
      !base::ascii_equal_ignoring_case(top, "text")) {
    return false;
  }
  std::string_view subtype = type.substr(slash + 1);
  subtype = subtype.substr(0, subtype.find_first_of("; \t"));
  constexpr std::string_view kJson = "json";
  for (std::size_t i = 0; i + kJson.size() <= subtype.size(); ++i) {
    if (base::ascii_equal_ignoring_case(subtype.substr(i, kJson.size()), kJson)) return true;
  }
  return false;
}

Result<Json> Response::json() const {
  if (!is_json()) {
    return failure("the response is not JSON: its content type is " +
                   (content_type() ? "\"" + base::to_valid_utf8(*content_type()) + "\""
                                   : std::string("not given")));
  }
  return Json::parse(fields_.body ? std::string_view(*fields_.body) : std::string_view());
}

}  // namespace patient_http
