#include "patient_http/retry_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "http/json_fields.h"

namespace patient_http {

namespace {

using http::member;

constexpr int kFirstStatus = 400;
constexpr int kLastStatus = 599;

constexpr const char* kCauses = R"(must be "connection", "timeout" or statuses from 400 to 599)";

tl::unexpected<InvalidValue> invalid(std::string_view field, std::string reason) {
  return unexpected(InvalidValue{"retry." + std::string(field), std::move(reason)});
}

std::string shown(const Json& value) {
  return base::to_valid_utf8(value.dump().substr(0, 40));
}

std::optional<int> to_status(std::string_view text) {
  int status = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, status);
  if (error != std::errc() || stopped != end) return std::nullopt;
  if (status < kFirstStatus || status > kLastStatus) return std::nullopt;
  return status;
}

Result<void, InvalidValue> check_seconds(const char* field, const std::optional<Timeout>& value,
                                         bool may_be_zero) {
  if (!value) return {};
  const double seconds = value->seconds().count();
  if (std::isfinite(seconds) && (seconds > 0 || (may_be_zero && seconds == 0))) return {};
  return invalid(field, std::string(may_be_zero ? "must be 0 or more" : "must be greater than 0") +
                            ", got " + base::fixed_number(seconds, 3));
}

Result<std::optional<int>, InvalidValue> read_retries(const Json& value) {
  if (value.is_null()) return std::nullopt;
  const auto number = value.to_int64();
  if (!number || *number < 0 || *number > std::numeric_limits<int>::max()) {
    return invalid("retries", "must be an integer of 0 or more, got " + shown(value));
  }
  return static_cast<int>(*number);
}

Result<std::optional<RetryOn>, InvalidValue> read_on(const Json& value) {
  if (value.is_null()) return std::nullopt;
  const Json::Array* causes = value.if_array();
  if (causes == nullptr) return invalid("on", "must be an array, got " + shown(value));
  RetryOn on = RetryOn::nothing();
  for (const Json& cause : *causes) {
    const std::string* word = cause.if_string();
    const bool is_word = word != nullptr && !to_status(*word);
    if (!(is_word ? on.add(*word) : cause.is_integer() && on.add(cause.number_text()))) {
      return invalid("on", std::string(kCauses) + ", got " + shown(cause));
    }
  }
  return on;
}

Result<std::optional<Timeout>, InvalidValue> read_seconds(const Json& json, const char* field) {
  const Json& value = member(json, field);
  if (value.is_null()) return std::nullopt;
  if (const auto whole = value.to_int64()) return Timeout(std::chrono::seconds(*whole));
  const auto seconds = value.to_double();
  if (!seconds) return invalid(field, "must be a number of seconds, got " + shown(value));
  return Timeout(Seconds(*seconds));
}

}  // namespace

bool RetryOn::add(std::string_view word) {
  if (word == "connection") {
    connection = true;
  } else if (word == "timeout") {
    timeout = true;
  } else if (const auto status = to_status(word)) {
    if (!has_status(*status)) statuses.push_back(*status);
  } else {
    return false;
  }
  return true;
}

bool RetryOn::has_status(int status) const {
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

std::vector<std::string> RetryOn::words() const {
  std::vector<std::string> all;
  if (connection) all.emplace_back("connection");
  if (timeout) all.emplace_back("timeout");
  for (const int status : statuses) all.push_back(std::to_string(status));
  return all;
}

Result<void, InvalidValue> RetryOptions::validate() const {
  if (retries && *retries < 0) {
    return invalid("retries", "must be 0 or more, got " + std::to_string(*retries));
  }
  for (const int status : on ? on->statuses : std::vector<int>()) {
    if (status >= kFirstStatus && status <= kLastStatus) continue;
    return invalid("on", std::string(kCauses) + ", got " + std::to_string(status));
  }
  auto checked = check_seconds("max_retry_after", max_retry_after, true);
  return checked ? check_seconds("max_time", max_time, false) : checked;
}

Result<RetryOptions, InvalidValue> RetryOptions::from_json(const Json& json) {
  if (json.is_null()) return RetryOptions();
  if (!json.is_object()) {
    return unexpected(InvalidValue{"retry", "must be an object, got " + shown(json)});
  }
  auto retries = read_retries(member(json, "retries"));
  if (!retries) return unexpected(std::move(retries.error()));
  auto on = read_on(member(json, "on"));
  if (!on) return unexpected(std::move(on.error()));
  const auto max_retry_after = read_seconds(json, "max_retry_after");
  if (!max_retry_after) return unexpected(max_retry_after.error());
  const auto max_time = read_seconds(json, "max_time");
  if (!max_time) return unexpected(max_time.error());
  const Json& idempotent = member(json, "idempotent");
  if (!idempotent.is_null() && idempotent.if_bool() == nullptr) {
    return invalid("idempotent", "must be true or false, got " + shown(idempotent));
  }
  RetryOptions options{.retries = *retries,
                       .on = std::move(*on),
                       .max_retry_after = *max_retry_after,
                       .max_time = *max_time,
                       .idempotent = !idempotent.is_null() && *idempotent.if_bool()};
  if (auto valid = options.validate(); !valid) return unexpected(std::move(valid.error()));
  return options;
}

Json RetryOptions::to_json() const {
  Json json{Json::Object()};
  if (retries) json.set("retries", *retries);
  if (on) {
    Json::Array causes;
    if (on->connection) causes.emplace_back("connection");
    if (on->timeout) causes.emplace_back("timeout");
    for (const int status : on->statuses) causes.emplace_back(status);
    json.set("on", Json(std::move(causes)));
  }
  if (max_retry_after) json.set("max_retry_after", max_retry_after->to_json());
  if (max_time) json.set("max_time", max_time->to_json());
  if (idempotent) json.set("idempotent", true);
  return json;
}

std::string_view to_string(OnInterrupted what) noexcept {
  return what == OnInterrupted::kError ? "error" : "resend";
}

std::optional<OnInterrupted> parse_on_interrupted(std::string_view text) noexcept {
  if (text == "resend") return OnInterrupted::kResend;
  if (text == "error") return OnInterrupted::kError;
  return std::nullopt;
}

}  // namespace patient_http
