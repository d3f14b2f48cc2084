#include "daemon/run_line.h"

#include <algorithm>
#include <array>

#include "base/json_text.h"
#include "base/text.h"
#include "patient_http/callback_args.h"

namespace patient_http::daemon {

namespace {

constexpr std::array<std::string_view, 16> kFields = {"id",
                                                      "method",
                                                      "url",
                                                      "headers",
                                                      "params",
                                                      "json",
                                                      "body",
                                                      "timeout",
                                                      "callback_args",
                                                      "max_redirects",
                                                      "raise_error_responses",
                                                      "retry",
                                                      "idempotency_key",
                                                      "on_interrupted",
                                                      "preprocessors",

                                                      "untrusted"};
constexpr std::array<std::string_view, 5> kRetryFields = {"retries", "on", "max_retry_after",
                                                          "max_time", "idempotent"};

template <std::size_t N>
std::string list_of(const std::array<std::string_view, N>& fields) {
  std::string out;
  for (const std::string_view field : fields) out.append(out.empty() ? "" : ", ").append(field);
  return out;
}

tl::unexpected<Failure> wrong(std::string_view field, std::string_view wanted, const Json& got) {
  return failure(std::string(field) + " must be " + std::string(wanted) +
                 ", got: " + std::string(got.type_name()));
}

// What the fields of a line become, one function a field; each says what is wrong with its own.
Result<void> read_id(const Json& json, RunLine& line) {
  if (const std::string* text = json.if_string()) {
    line.id_text = *text;
  } else if (json.is_integer()) {
    line.id_text = std::string(json.number_text());
  } else {
    return wrong("id", "a string or an integer", json);
  }
  line.id = json;
  return {};
}

Result<void> read_headers(const Json& json, RequestOptions& options) {
  if (!json.is_object()) return wrong("headers", "an object", json);
  auto headers = HttpHeaders::from_json(json);
  if (!headers) return failure(headers.error().message());
  options.headers = std::move(*headers);
  return {};
}

Result<void> read_params(const Json& json, RequestOptions& options) {
  const Json::Object* params = json.if_object();
  if (params == nullptr) return wrong("params", "an object", json);
  options.params = *params;
  return {};
}

Result<void> read_timeout(const Json& json, RequestOptions& options) {
  if (json.is_null()) return {};
  const auto seconds = json.to_double();
  if (!seconds) return wrong("timeout", "a number of seconds", json);
  if (const auto whole = json.to_int64(); whole && json.is_integer()) {
    options.timeout = Timeout(std::chrono::duration<std::int64_t>(*whole));
  } else {
    options.timeout = Timeout(Seconds(*seconds));
  }
  return {};
}

Result<void> read_max_redirects(const Json& json, RequestOptions& options) {
  if (json.is_null()) return {};
  const auto value = json.to_int64();
  if (!value || *value < 0 || *value > 1000) {
    return failure("max_redirects must be an integer from 0 to 1000, got: " + json.dump());
  }
  options.max_redirects = static_cast<int>(*value);
  return {};
}

Result<void> read_retry(const Json& json, RequestOptions& options) {
  auto retry = RetryOptions::from_json(json);
  if (!retry) return failure(retry.error().message());
  const Json::Object* members = json.if_object();
  if (members == nullptr) return {};  // null
  for (const Json::Member& member : *members) {
    if (std::find(kRetryFields.begin(), kRetryFields.end(), member.key) == kRetryFields.end()) {
      return failure("unknown field retry." + member.key + "; its fields are " +
                     list_of(kRetryFields));
    }
  }
  options.retry = std::move(*retry);
  return {};
}

Result<void> read_idempotency_key(const Json& json, RequestOptions& options) {
  if (json.is_null()) return {};
  const bool* wanted = json.if_bool();
  if (wanted == nullptr) return wrong("idempotency_key", "true or false", json);
  options.idempotency_key = *wanted;
  return {};
}

Result<void> read_on_interrupted(const Json& json, RequestOptions& options) {
  if (json.is_null()) return {};
  const std::string* word = json.if_string();
  const auto what = word != nullptr ? parse_on_interrupted(*word) : std::nullopt;
  if (!what) return failure(R"(on_interrupted must be "resend" or "error", got: )" + json.dump());
  options.on_interrupted = *what;
  return {};
}

Result<void> read_preprocessors(const Json& json, RequestOptions& options) {
  const Json::Array* names = json.if_array();
  if (names == nullptr) return wrong("preprocessors", "an array of names", json);
  for (const Json& name : *names) {
    if (!name.is_string()) return wrong("preprocessors", "an array of strings", name);
    options.preprocessors.push_back(*name.if_string());
  }
  return {};
}

Result<void> read_untrusted(const Json& json, RequestOptions& options) {
  if (json.is_null()) return {};
  const bool* is_untrusted = json.if_bool();
  if (is_untrusted == nullptr) return wrong("untrusted", "true or false", json);
  options.is_untrusted = *is_untrusted;
  return {};
}

Result<void> read_method(const Json& json, RequestOptions& options) {
  const std::string* text = json.if_string();
  if (text == nullptr) return wrong("method", "a string", json);
  const auto method = parse_http_method(*text);
  if (!method) return failure("method " + method.error().message);
  options.method = *method;
  return {};
}

Result<void> read_text(std::string_view field, const Json& json, std::string& text) {
  if (!json.is_string()) return wrong(field, "a string", json);
  text = *json.if_string();
  return {};
}

Result<void> read_field(const Json::Member& member, RequestOptions& options, RunLine& line) {
  const auto& [key, value] = member;
  if (key == "id") return read_id(value, line);
  if (key == "method") return read_method(value, options);
  if (key == "url") return read_text("url", value, options.url);
  if (key == "headers") return read_headers(value, options);
  if (key == "params") return read_params(value, options);
  if (key == "json") {
    options.json = value;
    return {};
  }
  if (key == "body")
    return value.is_null() ? Result<void>() : read_text("body", value, options.body.emplace());
  if (key == "timeout") return read_timeout(value, options);
  if (key == "max_redirects") return read_max_redirects(value, options);
  if (key == "retry") return read_retry(value, options);
  if (key == "idempotency_key") return read_idempotency_key(value, options);
  if (key == "on_interrupted") return read_on_interrupted(value, options);
  if (key == "preprocessors") return read_preprocessors(value, options);
  if (key == "untrusted") return read_untrusted(value, options);
  if (key == "callback_args") {
    if (auto args = CallbackArgs::create(value); !args) return failure(args.error().message());
    line.callback_args = value;
    return {};
  }
  if (key == "raise_error_responses") {
    const bool* flag = value.if_bool();
    if (flag == nullptr) return wrong(key, "true or false", value);
    line.raise_error_responses = *flag;
    return {};
  }
  return failure("unknown field " + base::json_string(key) + "; the fields are " +
                 list_of(kFields));
}

Result<void> check_secret(const std::string& field, const SecretReference& secret,
                          const SecretManager& secrets) {
  if (secrets.contains(secret.name())) return {};
  return failure(field + " refers to the secret " + base::json_string(secret.name()) +
                 ", which is not set; put it into [secrets] of a file for --config");
}

Result<void> check_secrets(const Request& request, const SecretManager& secrets) {
  for (const HttpHeaders::Entry& entry : request.headers().entries()) {
    const auto* secret = std::get_if<SecretReference>(&entry.value);
    if (secret == nullptr) continue;
    if (auto known = check_secret("headers." + entry.name, *secret, secrets); !known) return known;
  }
  for (const auto& [name, secret] : request.secret_params()) {
    if (auto known = check_secret("params." + name, secret, secrets); !known) return known;
  }
  return {};
}

Result<void> check_preprocessors(const Request& request, const Preprocessors& known) {
  for (const std::string& name : request.preprocessors()) {
    if (known.contains(name)) continue;
    return failure("preprocessors refers to " + base::json_string(name) +
                   ", which is not set up; put it into [preprocessors] of a file for --config");
  }
  return {};
}

// A request to be replaced: Request has no other empty state.
Request placeholder() {
  return Request::create({.url = "http://localhost/"}).value();
}

}  // namespace

bool is_blank(std::string_view line) {
  return base::trim(line).empty();
}

Result<RunLine> parse_run_line(std::string_view text, std::uint64_t number,
                               const ProcessorOptions& engine) {
  // Editors that put a byte order mark before the first line mean no harm.
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (number == 1 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const auto json = Json::parse(base::trim(text));
  if (!json) return failure(json.error().message);
  const Json::Object* members = json->if_object();
  if (members == nullptr) {
    return failure("a line must be a JSON object such as {\"url\":\"https://…\"}, got: " +
                   std::string(json->type_name()));
  }
  RunLine line{Json(number), std::to_string(number), placeholder(), {}, std::nullopt};
  RequestOptions options;
  for (const Json::Member& member : *members) {
    if (auto read = read_field(member, options, line); !read) return unexpected(read.error());
  }
  if (json->find("url") == nullptr) return failure("url is missing; it is the one required field");
  auto request = Request::create(std::move(options));
  if (!request) return failure(request.error().message());
  auto known = check_secrets(*request, engine.secrets);
  if (known) known = check_preprocessors(*request, engine.preprocessors);
  if (!known) return unexpected(known.error());
  line.request = std::move(*request);
  return line;
}

}  // namespace patient_http::daemon
