#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/request.h"

namespace patient_http {

// What a RequestTemplate is built from.
struct RequestTemplateOptions {
  // Paths are resolved against it as RFC 3986 does: with a closing slash, "x" goes below it;
  // without one, "x" replaces its last segment.
  std::optional<std::string> base_url = std::nullopt;
  HttpHeaders headers = {};
  Json::Object params = {};
  Timeout timeout = std::chrono::seconds(30);
  std::vector<std::string> preprocessors = {};
};

// What many requests have in common. A request's own values win, and never come back into the
// template.
class RequestTemplate {
 public:
  [[nodiscard]] static Result<RequestTemplate, InvalidValue> create(RequestTemplateOptions options);

  // `options.url` is a path or a url. Its headers and params are laid over the template's; its
  // timeout and preprocessors replace them.
  [[nodiscard]] Result<Request, InvalidValue> request(RequestOptions options) const;

 private:
  explicit RequestTemplate(RequestTemplateOptions options) : options_(std::move(options)) {}

  RequestTemplateOptions options_;
};

}  // namespace patient_http
