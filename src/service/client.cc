#include "patient_http/client.h"

#include <utility>

namespace patient_http {

namespace {

tl::unexpected<SubmitFailure> invalid(const InvalidValue& value) {
  return unexpected(SubmitFailure{SubmitFailure::Kind::kInvalid, value.message()});
}

}  // namespace

Client Client::with(RequestTemplate request_template) const {
  Client client(*this);
  client.template_ = std::move(request_template);
  return client;
}

Client::Submitted Client::get(std::string url, SubmitOptions options) const {
  return send(HttpMethod::kGet, std::move(url), {}, std::move(options));
}

Client::Submitted Client::get(std::string url, RequestOptions request,
                              SubmitOptions options) const {
  return send(HttpMethod::kGet, std::move(url), std::move(request), std::move(options));
}

Client::Submitted Client::post(std::string url, RequestOptions request,
                               SubmitOptions options) const {
  return send(HttpMethod::kPost, std::move(url), std::move(request), std::move(options));
}

Client::Submitted Client::put(std::string url, RequestOptions request,
                              SubmitOptions options) const {
  return send(HttpMethod::kPut, std::move(url), std::move(request), std::move(options));
}

Client::Submitted Client::patch(std::string url, RequestOptions request,
                                SubmitOptions options) const {
  return send(HttpMethod::kPatch, std::move(url), std::move(request), std::move(options));
}

Client::Submitted Client::delete_(std::string url, SubmitOptions options) const {
  return send(HttpMethod::kDelete, std::move(url), {}, std::move(options));
}

Client::Submitted Client::delete_(std::string url, RequestOptions request,
                                  SubmitOptions options) const {
  return send(HttpMethod::kDelete, std::move(url), std::move(request), std::move(options));
}

Client::Submitted Client::send(HttpMethod method, std::string url, RequestOptions request,
                               SubmitOptions options) const {
  request.method = method;
  request.url = std::move(url);
  return this->request(std::move(request), std::move(options));
}

Client::Submitted Client::request(RequestOptions request, SubmitOptions options) const {
  auto built =
      template_ ? template_->request(std::move(request)) : Request::create(std::move(request));
  if (!built) return invalid(built.error());
  return execute(std::move(*built), std::move(options));
}

Client::Submitted Client::execute(Request request, SubmitOptions options) const {
  auto args = CallbackArgs::create(std::move(options.callback_args));
  if (!args) return invalid(args.error());
  std::vector<Submission> one;
  one.push_back({.request = std::move(request),
                 .callback = std::move(options.callback),
                 .callback_args = std::move(*args),
                 .raise_error_responses = options.raise_error_responses,
                 .run_at = options.run_at,
                 .request_id = std::move(options.request_id)});
  auto ids = execute_all(std::move(one));
  if (!ids) return unexpected(std::move(ids.error()));
  return std::move(ids->front());
}

Result<std::vector<std::string>, SubmitFailure> Client::execute_all(
    std::vector<Submission> submissions) const {
  if (handler_ != nullptr) return handler_->submit(std::move(submissions));
  return submit_to_registered_handler(std::move(submissions));
}

}  // namespace patient_http
