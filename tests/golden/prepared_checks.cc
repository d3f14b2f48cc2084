// The prepared part of a request: what it is when its secrets are filled in and its preprocessors
// have run. The secrets and preprocessors are those of the recording.

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/url.h"
#include "engine/request_preparer.h"
#include "golden/checks.h"

namespace patient_http::golden {

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kId = "11111111-2222-3333-4444-555555555555";

SecretManager recorded_secrets() {
  SecretManager secrets;
  secrets.register_secret("api_token", "Bearer t0k=en &x");
  secrets.register_secret("api_key", [] { return "lazy-api_key \xc3\xa9&="; });
  secrets.register_secret("num", "42");
  secrets.register_secret("nilsecret", [] { return std::nullopt; });
  return secrets;
}

// No recorded request runs the two others that the recording had.
Preprocessors recorded_preprocessors() {
  Preprocessors preprocessors;
  preprocessors.register_preprocessor("sign", [](OutgoingRequest& request) {
    std::string signature(to_string(request.method()));
    signature.append("|").append(request.url()).append("|");
    signature.append(std::to_string(request.body().value_or("").size()));
    signature.append("|").append(request.header("x-request-id").value_or(""));
    request.set_header("x-signature", signature);
  });
  preprocessors.register_preprocessor(
      "boom", [](OutgoingRequest&) { throw std::runtime_error("pp boom"); });
  return preprocessors;
}

Result<engine::PreparedRequest, engine::UnpreparedRequest> prepare(const Request& request) {
  const engine::RequestPreparer preparer("PatientHttp", recorded_secrets(),
                                         recorded_preprocessors());
  const auto ingredients = preparer.look_up(request);
  if (!ingredients) return unexpected(ingredients.error());
  return preparer.prepare(request, {kId}, *ingredients);
}

// The lines for a recorded object of headers. Null is sent by nobody's HTTP (B22).
Headers lines_of(const HttpHeaders& headers) {
  Headers lines;
  for (const auto& [name, value] : headers.entries()) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      lines.emplace_back(name, *text);
    } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
      for (const std::string& each : *texts) lines.emplace_back(name, each);
    }
  }
  return lines;
}

std::string text_of_lines(const Headers& lines) {
  std::string text;
  for (const auto& [name, value] : lines) text.append(name).append(": ").append(value).append("\n");
  return text;
}

void check_headers(const Case& recorded, const Request& request, const Json& wanted, Headers got,
                   Differences& differences) {
  auto headers = HttpHeaders::from_json(wanted);
  if (!headers) return differences.add("prepared headers: " + headers.error().message());
  // In the original its HTTP library adds these, later.
  std::erase_if(got, [&](const auto& header) {
    return (header.first == "host" || header.first == "accept-encoding") &&
           !request.headers().contains(header.first);
  });
  // A body that the original ignored has its type.
  if (recorded.deviation("body")) {
    std::erase_if(got, [](const auto& header) { return header.first == "content-type"; });
  }
  differences.expect_same_text("prepared headers", text_of_lines(lines_of(*headers)),
                               text_of_lines(got));
}

void check_failure(const Json& wanted, const engine::UnpreparedRequest& got,
                   Differences& differences) {
  const std::string wanted_class = text_of(at(wanted, "class"));
  const std::string message = text_of(at(wanted, "message"));
  if (wanted_class == ruby_class(ErrorKind::kSecretNotFound)) {
    const std::string name = message.substr(std::min(message.find('"'), message.size()));
    differences.expect_same_text("prepared error", wanted_class, ruby_class(got.kind));
    if (got.message.find(name) == std::string::npos) differences.add("prepared error: no name");
    return;
  }
  // A preprocessor's own error, which only Ruby has as a class.
  differences.expect_same_text("prepared error", to_string(ErrorKind::kPreprocessorFailed),
                               to_string(got.kind));
  if (got.message.find(message) == std::string::npos) {
    differences.add("prepared error: wanted " + message + " in " + got.message);
  }
}

}  // namespace

void check_prepared(const Case& recorded, const Request& request, Differences& differences) {
  const Json& wanted = recorded.output("prepared");
  if (wanted.is_null()) return;
  const auto prepared = prepare(request);
  if (const Json* error = wanted.find("error")) {
    if (prepared) return differences.add("was prepared, but must fail");
    return check_failure(*error, prepared.error(), differences);
  }
  if (!prepared) return differences.add("was not prepared: " + prepared.error().message);
  const auto url = base::Url::parse(text_of(at(wanted, "url")));
  if (!url) return differences.add("prepared url: " + url.error().message);
  differences.expect_same_text("prepared url", url->origin().text() + url->target(),
                               prepared->origin.text() + prepared->target);
  check_headers(recorded, request, at(wanted, "headers"), prepared->headers, differences);
  // The body goes as it is; where it is decided otherwise, the request's own check has it.
  if (recorded.expect().empty() && bytes_of(at(wanted, "body")) != request.body()) {
    differences.add("prepared body differs");
  }
}

}  // namespace patient_http::golden
