#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "patient_http/json.h"
#include "patient_http/request_handler.h"
#include "patient_http/request_template.h"

namespace patient_http {

// What is to become of a request's result.
struct SubmitOptions {
  // The name of a registered callback.
  std::string callback = {};
  // An object; null for none. Comes back with the result.
  Json callback_args = {};
  // The rest as in Submission.
  std::optional<bool> raise_error_responses = std::nullopt;
  std::optional<std::chrono::system_clock::time_point> run_at = std::nullopt;
  std::string request_id = {};
};

// Hands requests in, and returns as soon as they are accepted; the result goes to a callback:
//
//   Client client(service);
//   client.post("https://api.example.com/v1/items", {.json = item, .timeout = 300s},
//               {.callback = "ItemStored", .callback_args = Json::object({{"id", 7}})});
//
// Each call gives the request's id. With a template, `url` is a path or a url, and the template's
// values lie under the request's.
//
// Thread safety: all methods may be called from any thread, callbacks included. They block until
// the store has the request.
class Client {
 public:
  using Submitted = Result<std::string, SubmitFailure>;

  // Uses the handler that is registered at the time of each call.
  Client() = default;
  // `handler` must outlive this object.
  explicit Client(RequestHandler& handler) : handler_(&handler) {}

  // The same client, with a template for its requests.
  [[nodiscard]] Client with(RequestTemplate request_template) const;

  [[nodiscard]] Submitted get(std::string url, SubmitOptions options) const;
  [[nodiscard]] Submitted get(std::string url, RequestOptions request, SubmitOptions options) const;
  [[nodiscard]] Submitted post(std::string url, RequestOptions request,
                               SubmitOptions options) const;
  [[nodiscard]] Submitted put(std::string url, RequestOptions request, SubmitOptions options) const;
  [[nodiscard]] Submitted patch(std::string url, RequestOptions request,
                                SubmitOptions options) const;
  [[nodiscard]] Submitted delete_(std::string url, SubmitOptions options) const;
  [[nodiscard]] Submitted delete_(std::string url, RequestOptions request,
                                  SubmitOptions options) const;
  // Of the method and url that `request` names.
  [[nodiscard]] Submitted request(RequestOptions request, SubmitOptions options) const;

  // A request that is already built; no template is laid under it.
  [[nodiscard]] Submitted execute(Request request, SubmitOptions options) const;
  // Many at once: all or none. Gives their ids in order.
  [[nodiscard]] Result<std::vector<std::string>, SubmitFailure> execute_all(
      std::vector<Submission> submissions) const;

 private:
  [[nodiscard]] Submitted send(HttpMethod method, std::string url, RequestOptions request,
                               SubmitOptions options) const;

  RequestHandler* handler_ = nullptr;
  std::optional<RequestTemplate> template_;
};

}  // namespace patient_http
