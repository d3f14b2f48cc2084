#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/callback_args.h"
#include "patient_http/http_headers.h"
#include "patient_http/http_method.h"
#include "patient_http/json.h"
#include "patient_http/payload.h"
#include "patient_http/request.h"
#include "patient_http/result.h"

namespace patient_http {

// What a Response is built from.
struct ResponseOptions {
  int status = 0;
  HttpHeaders headers = {};
  std::optional<std::string> body = std::nullopt;
  Seconds duration{};
  std::string request_id = {};
  std::string url = {};
  HttpMethod method = HttpMethod::kGet;
  CallbackArgs callback_args = {};
  std::vector<std::string> redirects = {};
};

// What a server answered: immutable.
class Response {
 public:
  explicit Response(ResponseOptions options);

  // Reads the stored form (docs/protocol.md); the failure names the field.
  [[nodiscard]] static Result<Response, InvalidValue> from_json(const Json& json);
  [[nodiscard]] Json to_json() const;
  // to_json().dump() without building the value: bodies are large.
  void append_json(std::string& out) const;

  [[nodiscard]] int status() const noexcept { return fields_.status; }
  // A header that came several times has its values joined by ", ".
  [[nodiscard]] const HttpHeaders& headers() const noexcept { return fields_.headers; }
  // After decompression, in the bytes that the server sent; no value when there was no body.
  [[nodiscard]] const std::optional<std::string>& body() const noexcept { return fields_.body; }
  // Of the whole request: redirects, attempts and the waits between them. 0 when what was read has
  // none.
  [[nodiscard]] Seconds duration() const noexcept { return fields_.duration; }
  [[nodiscard]] const std::string& request_id() const noexcept { return fields_.request_id; }
  // Url and method of the last hop; GET when what was read names no method.
  [[nodiscard]] const std::string& url() const noexcept { return fields_.url; }
  [[nodiscard]] HttpMethod method() const noexcept { return fields_.method; }
  [[nodiscard]] const CallbackArgs& callback_args() const noexcept { return fields_.callback_args; }
  // The urls visited before the last.
  [[nodiscard]] const std::vector<std::string>& redirects() const noexcept {
    return fields_.redirects;
  }

  [[nodiscard]] bool is_success() const noexcept { return status() >= 200 && status() < 300; }
  [[nodiscard]] bool is_redirect() const noexcept { return status() >= 300 && status() < 400; }
  [[nodiscard]] bool is_client_error() const noexcept { return status() >= 400 && status() < 500; }
  [[nodiscard]] bool is_server_error() const noexcept { return status() >= 500 && status() < 600; }
  [[nodiscard]] bool is_error() const noexcept { return status() >= 400 && status() < 600; }

  [[nodiscard]] std::optional<std::string_view> content_type() const noexcept;
  // Whether the content type is application/… or text/… with "json" in its subtype, as the Ruby
  // gem has it: application/problem+json counts.
  [[nodiscard]] bool is_json() const noexcept;
  // The parsed body. Fails when is_json() is false, or on invalid JSON.
  [[nodiscard]] Result<Json> json() const;

 private:
  void append_body(std::string& out) const;

  // What was read, as it was, so that 1 and 1.0 and null stay what they are.
  struct AsRead {
    Json duration;
    Json request_id;
    Json url;
    bool has_method = true;
  };
  // The same of what was not read.
  [[nodiscard]] AsRead as_written() const;

  ResponseOptions fields_;
  std::optional<AsRead> as_read_;
  // The body as it was read, when encoding it again could give another form.
  std::optional<Payload> stored_body_;
};

}  // namespace patient_http
