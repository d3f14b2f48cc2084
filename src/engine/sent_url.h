#pragma once

#include <string_view>

namespace patient_http::engine {

// The parts of a url that is about to be sent, as OutgoingRequest has it: valid, encoded, without a
// fragment. They point into it, so that there are no copies of secret params.
struct SentUrl {
  explicit SentUrl(std::string_view url);

  // "https://user:password@host:8443": what stands before the path.
  std::string_view origin;
  std::string_view path;   // never empty
  std::string_view query;  // without '?'
};

}  // namespace patient_http::engine
