#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patient_http/http_headers.h"
#include "patient_http/http_method.h"
#include "patient_http/invalid_value.h"
#include "patient_http/json.h"
#include "patient_http/payload.h"
#include "patient_http/result.h"
#include "patient_http/retry_options.h"
#include "patient_http/secret_reference.h"
#include "patient_http/timeout.h"

namespace patient_http {

// What a Request is built from. Only `url` is required:
//
//   Request::create({.method = HttpMethod::kPost,
//                    .url = "https://api.example.com/v1/items",
//                    .headers = {{"authorization", *SecretReference::create("api_token")}},
//                    .json = Json::object({{"name", "x"}}),
//                    .timeout = 120s});
struct RequestOptions {
  HttpMethod method = HttpMethod::kGet;
  // Absolute, http or https.
  std::string url = {};
  HttpHeaders headers = {};
  // Form-encoded and appended to the query: null gives a key without '=', an array repeats the
  // key. A secret reference (SecretReference::to_json()) stays out of the url, in secret_params.
  Json::Object params = {};
  // At most one of the two; neither for GET and DELETE. An empty body is no body. `json` is
  // serialised, and sets content-type unless one is given.
  std::optional<std::string> body = std::nullopt;
  std::optional<Json> json = std::nullopt;
  // For each attempt, over its redirects; greater than 0. The processor's default when unset.
  std::optional<Timeout> timeout = std::nullopt;
  // 0 or more; 0 hands the 3xx response over as it is. The processor's default when unset.
  std::optional<int> max_redirects = std::nullopt;
  // Names of registered functions, run in this order before sending.
  std::vector<std::string> preprocessors = {};
  // After what, and how often, it is sent again. The processor's defaults when unset.
  RetryOptions retry = {};
  // Whether a header idempotency-key is sent along, unless `headers` has one: the request's id,
  // the same for all attempts, and after a rescue. The processor's default when unset.
  std::optional<bool> idempotency_key = std::nullopt;
  OnInterrupted on_interrupted = OnInterrupted::kResend;
  // Its url is a stranger's: it also has to satisfy ProcessorOptions::untrusted_network_policy. It
  // stays so wherever the request is stored, and over its redirects.
  bool is_untrusted = false;
};

// A request to be carried out: immutable, and valid by construction.
class Request {
 public:
  // Names the field and the reason when the options cannot make a valid request.
  [[nodiscard]] static Result<Request, InvalidValue> create(RequestOptions options);

  // Reads the stored form (docs/protocol.md), as this library or the Ruby gem wrote it.
  [[nodiscard]] static Result<Request, InvalidValue> from_json(const Json& json);
  [[nodiscard]] Json to_json() const;

  [[nodiscard]] HttpMethod method() const noexcept { return method_; }
  // With the params, without the secret ones.
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  [[nodiscard]] const HttpHeaders& headers() const noexcept { return headers_; }
  [[nodiscard]] const std::optional<std::string>& body() const noexcept { return body_; }
  [[nodiscard]] std::optional<Seconds> timeout() const noexcept;
  // The same, knowing whether it is whole seconds: for a request made from this one.
  [[nodiscard]] std::optional<Timeout> timeout_as_given() const;
  [[nodiscard]] std::optional<int> max_redirects() const noexcept { return max_redirects_; }
  [[nodiscard]] const std::vector<std::pair<std::string, SecretReference>>& secret_params()
      const noexcept {
    return secret_params_;
  }
  [[nodiscard]] const std::vector<std::string>& preprocessors() const noexcept {
    return preprocessors_;
  }
  [[nodiscard]] const RetryOptions& retry() const noexcept { return retry_; }
  [[nodiscard]] std::optional<bool> idempotency_key() const noexcept { return idempotency_key_; }
  [[nodiscard]] OnInterrupted on_interrupted() const noexcept { return on_interrupted_; }
  [[nodiscard]] bool is_untrusted() const noexcept { return is_untrusted_; }

  // By value: two forms of one body are equal.
  bool operator==(const Request& other) const;

 private:
  Request() = default;

  static Result<void, InvalidValue> check(const RequestOptions& options);

  HttpMethod method_ = HttpMethod::kGet;
  std::string url_;
  HttpHeaders headers_;
  std::optional<std::string> body_;
  // As it was written, so that 30 and 30.0 stay what they are. Null when unset.
  Json timeout_;
  std::optional<int> max_redirects_;
  std::vector<std::pair<std::string, SecretReference>> secret_params_;
  std::vector<std::string> preprocessors_;
  RetryOptions retry_;
  std::optional<bool> idempotency_key_;
  OnInterrupted on_interrupted_ = OnInterrupted::kResend;
  bool is_untrusted_ = false;
  // The body as it was read, when encoding it again could give another form.
  std::optional<Payload> stored_body_;
};

}  // namespace patient_http
