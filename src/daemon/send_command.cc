#include "daemon/send_command.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/text.h"
#include "daemon/exit_status.h"
#include "daemon/whole_file.h"
#include "patient_http/inline_executor.h"

namespace patient_http::daemon {

namespace {

int complain(ExitStatus status, const std::string& message) {
  std::cerr << "patient-http: " << message << '\n';
  return status;
}

Result<std::string> read_argument(const std::string& argument) {
  if (!argument.starts_with('@')) return argument;
  if (argument == "@-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  return read_whole_file(argument.substr(1));
}

Result<HttpHeaders> headers_of(const SendOptions& options) {
  HttpHeaders headers;
  for (const std::string& header : options.headers) {
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos) return failure("--header must have the form 'name: value'");
    headers.set(base::trim(header.substr(0, colon)),
                std::string(base::trim(header.substr(colon + 1))));
  }
  for (const std::string& header : options.secret_headers) {
    const std::size_t colon = header.find(':');
    auto secret = SecretReference::create(
        colon == std::string::npos ? "" : std::string(base::trim(header.substr(colon + 1))));
    if (!secret) return failure("--secret-header must have the form 'name: name of the secret'");
    headers.set(base::trim(header.substr(0, colon)), std::move(*secret));
  }
  return headers;
}

Result<RequestOptions> request_options(const SendOptions& options) {
  RequestOptions request{.method = options.method, .url = options.url};
  auto headers = headers_of(options);
  if (!headers) return unexpected(std::move(headers.error()));
  request.headers = std::move(*headers);
  request.preprocessors = options.preprocessors;
  for (const std::string& param : options.params) {
    const std::size_t equals = param.find('=');
    request.params.push_back({param.substr(0, equals), equals == std::string::npos
                                                           ? Json()
                                                           : Json(param.substr(equals + 1))});
  }
  if (options.body) {
    auto body = read_argument(*options.body);
    if (!body) return unexpected(body.error());
    request.body = std::move(*body);
  }
  if (options.json) {
    const auto text = read_argument(*options.json);
    if (!text) return unexpected(text.error());
    auto json = Json::parse(*text);
    if (!json) return failure("--json: " + json.error().message);
    request.json = std::move(*json);
  }
  return request;
}

std::string head_of(const Response& response) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status()) + "\n";
  for (const auto& entry : response.headers().entries()) {
    head += entry.name + ": " + std::string(response.headers().get(entry.name).value_or("")) + "\n";
  }
  return head + "\n";
}

bool write_all(const std::string& path, const std::string& bytes) {
  if (path == "-") {
    std::cout.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return static_cast<bool>(std::cout.flush());
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return static_cast<bool>(file.flush());
}

}  // namespace

int send(const SendOptions& options) {
  auto request_parts = request_options(options);
  if (!request_parts) return complain(kUsage, request_parts.error().message);
  const auto request = Request::create(std::move(*request_parts));
  if (!request) return complain(kUsage, request.error().message());
  InlineExecutor executor(options.processor);
  const auto response = executor.send(*request);
  if (!response) return complain(kSomeFailed, response.error().message());
  const std::string head = options.include_head ? head_of(*response) : std::string();
  if (!write_all(options.output, head + response->body().value_or(""))) {
    return complain(kStateProblem, "cannot write to " + options.output);
  }
  if (options.fail_on_error_status && !response->is_success()) {
    return complain(kSomeFailed,
                    "the server answered with status " + std::to_string(response->status()));
  }
  return kSuccess;
}

}  // namespace patient_http::daemon
