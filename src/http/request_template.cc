#include "patient_http/request_template.h"

#include <algorithm>
#include <utility>

#include "http/request_url.h"

namespace patient_http {

namespace {

void put(Json::Object& params, const Json::Member& param) {
  const auto same = std::find_if(params.begin(), params.end(),
                                 [&](const Json::Member& known) { return known.key == param.key; });
  if (same == params.end()) {
    params.push_back(param);
  } else {
    same->value = param.value;
  }
}

}  // namespace

Result<RequestTemplate, InvalidValue> RequestTemplate::create(RequestTemplateOptions options) {
  // A request made of everything but the path shows whether the rest is valid.
  RequestOptions probe{.url = options.base_url.value_or("http://localhost/"),
                       .headers = options.headers,
                       .params = options.params,
                       .timeout = options.timeout,
                       .preprocessors = options.preprocessors};
  if (auto valid = Request::create(std::move(probe)); !valid) {
    if (valid.error().field == "url") valid.error().field = "base_url";
    return unexpected(std::move(valid.error()));
  }
  if (options.base_url) options.base_url = *http::request_url(*options.base_url);
  return RequestTemplate(std::move(options));
}

Result<Request, InvalidValue> RequestTemplate::request(RequestOptions options) const {
  if (options_.base_url) {
    auto url = http::resolve_request_url(*options_.base_url, options.url);
    if (!url) return unexpected(InvalidValue{"url", std::move(url.error().message)});
    options.url = std::move(*url);
  }
  options.headers = options_.headers.merge(options.headers);
  Json::Object params = options_.params;
  for (const Json::Member& param : options.params) put(params, param);
  options.params = std::move(params);
  if (!options.timeout) options.timeout = options_.timeout;
  if (options.preprocessors.empty()) options.preprocessors = options_.preprocessors;
  return Request::create(std::move(options));
}

}  // namespace patient_http
