// A class of an application, for request_helper.cc and inline_mode.cc: it sends requests to an API
// of books, and knows neither who carries them out nor when.
#pragma once

#include <cstdio>
#include <string>

#include "patient_http/callback.h"
#include "patient_http/configuration.h"
#include "patient_http/request_helper.h"

namespace books {

class Books final : private patient_http::RequestHelper {
 public:
  // What all of its requests have in common. The closing slash of `url` counts: paths go below it.
  explicit Books(const std::string& url)
      : RequestHelper(
            patient_http::RequestTemplate::create({.base_url = url,
                                                   .headers = {{"accept", "application/json"}},
                                                   .params = {{"lang", "en"}},
                                                   .timeout = std::chrono::minutes(2)})
                .value()) {}

  using RequestHelper::Submitted;  // the request's id, or why it was not accepted

  Submitted fetch(const std::string& isbn) const {
    return async_get(isbn, {.callback = "BookFetched",
                            .callback_args = patient_http::Json::object({{"isbn", isbn}})});
  }
  Submitted rate(const std::string& isbn, int stars) const {
    return async_post(isbn + "/ratings", {.json = patient_http::Json::object({{"stars", stars}})},
                      {.callback = "BookRated", .raise_error_responses = true});
  }
};

class BookFetched final : public patient_http::Callback {
 public:
  void on_complete(const patient_http::Response& response) override {
    const auto isbn = response.callback_args().at("isbn");
    const auto book = response.json();
    const patient_http::Json* title = book ? book->find("title") : nullptr;
    std::printf("%s is %s\n", isbn->dump().c_str(), title ? title->dump().c_str() : "unknown");
  }
  void on_error(const patient_http::Error& error) override {
    std::printf("not fetched: %s\n", error.message().c_str());
  }
};

class BookRated final : public patient_http::Callback {
 public:
  void on_complete(const patient_http::Response&) override { std::puts("rated"); }
  // With raise_error_responses, whatever is not 2xx comes here.
  void on_error(const patient_http::Error& error) override {
    std::printf("not rated: %s\n", error.message().c_str());
  }
};

inline void register_callbacks(patient_http::Configuration& configuration) {
  configuration.register_callback<BookFetched>("BookFetched");
  configuration.register_callback<BookRated>("BookRated");
}

}  // namespace books
