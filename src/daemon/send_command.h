#pragma once

#include <optional>
#include <string>
#include <vector>

#include "patient_http/http_method.h"
#include "patient_http/processor_options.h"

namespace patient_http::daemon {

// What `patient-http get URL` and its like were asked to do.
struct SendOptions {
  HttpMethod method = HttpMethod::kGet;
  std::string url;
  std::vector<std::string> headers;         // "name: value"
  std::vector<std::string> secret_headers;  // "name: secret's name"
  std::vector<std::string> preprocessors;   // their names, in order
  std::vector<std::string> params;          // "name=value"
  std::optional<std::string> body;          // "@file", "@-" or the body itself
  std::optional<std::string> json;
  std::string output = "-";
  bool include_head = false;
  bool fail_on_error_status = false;
  ProcessorOptions processor;
};

// Sends one request, without a state, and writes the body. Gives the exit status.
[[nodiscard]] int send(const SendOptions& options);

}  // namespace patient_http::daemon
