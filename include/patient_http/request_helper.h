#pragma once

#include <string>
#include <utility>

#include "patient_http/client.h"

namespace patient_http {

// For classes that send requests of one kind: derive from it, give it a template, and call
// async_get() and the others. They submit to the handler that is registered, a started Service or
// an InlineService in tests, so that the class needs to know neither.
//
//   class Invoices : private RequestHelper {
//    public:
//     Invoices() : RequestHelper(*RequestTemplate::create({.base_url = "https://pay.example/"})) {}
//     Submitted fetch(int id) {
//       return async_get("invoices/" + std::to_string(id), {.callback = "InvoiceFetched"});
//     }
//   };
//
// Thread safety: as Client.
class RequestHelper {
 protected:
  using Submitted = Client::Submitted;

  RequestHelper() = default;
  explicit RequestHelper(RequestTemplate request_template)
      : client_(Client().with(std::move(request_template))) {}
  // In tests of its own, or with several services: `handler` must outlive this object.
  RequestHelper(RequestHandler& handler, RequestTemplate request_template)
      : client_(Client(handler).with(std::move(request_template))) {}
  ~RequestHelper() = default;

  [[nodiscard]] Submitted async_get(std::string path, SubmitOptions options) const {
    return client_.get(std::move(path), std::move(options));
  }
  [[nodiscard]] Submitted async_get(std::string path, RequestOptions request,
                                    SubmitOptions options) const {
    return client_.get(std::move(path), std::move(request), std::move(options));
  }
  [[nodiscard]] Submitted async_post(std::string path, RequestOptions request,
                                     SubmitOptions options) const {
    return client_.post(std::move(path), std::move(request), std::move(options));
  }
  [[nodiscard]] Submitted async_put(std::string path, RequestOptions request,
                                    SubmitOptions options) const {
    return client_.put(std::move(path), std::move(request), std::move(options));
  }
  [[nodiscard]] Submitted async_patch(std::string path, RequestOptions request,
                                      SubmitOptions options) const {
    return client_.patch(std::move(path), std::move(request), std::move(options));
  }
  [[nodiscard]] Submitted async_delete(std::string path, SubmitOptions options) const {
    return client_.delete_(std::move(path), std::move(options));
  }
  [[nodiscard]] Submitted async_delete(std::string path, RequestOptions request,
                                       SubmitOptions options) const {
    return client_.delete_(std::move(path), std::move(request), std::move(options));
  }
  [[nodiscard]] Submitted async_request(RequestOptions request, SubmitOptions options) const {
    return client_.request(std::move(request), std::move(options));
  }

 private:
  Client client_;
};

}  // namespace patient_http
