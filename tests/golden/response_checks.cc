#include <utility>

#include "golden/checks.h"
#include "patient_http/response.h"

namespace patient_http::golden {

namespace {

// What only JSON can say, a missing duration or method, is built by reading.
bool needs_json(const Json& input) {
  const Json& duration = at(input, "duration");
  return text_of(at(input, "http_method")).empty() || !duration.is_number() ||
         duration.is_integer();
}

Result<Response, InvalidValue> build(const Json& input) {
  auto headers = HttpHeaders::from_json(at(input, "headers"));
  if (!headers) return unexpected(headers.error());
  const auto body = bytes_of(at(input, "body"));
  Json form = input;
  form.set("body", Json());
  auto read = Response::from_json(form);
  if (!read) return read;
  if (!body && needs_json(input)) return read;
  if (body && needs_json(input)) {
    form.set("body", Payload::encode(*body, read->content_type().value_or("")).to_json());
    return Response::from_json(form);
  }
  return Response(ResponseOptions{.status = read->status(),
                                  .headers = std::move(*headers),
                                  .body = body,
                                  .duration = read->duration(),
                                  .request_id = read->request_id(),
                                  .url = read->url(),
                                  .method = read->method(),
                                  .callback_args = read->callback_args(),
                                  .redirects = read->redirects()});
}

void check_predicates(const Case& recorded, const Response& response, Differences& differences) {
  const std::pair<std::string_view, bool> predicates[] = {
      {"success", response.is_success()},
      {"redirect", response.is_redirect()},
      {"client_error", response.is_client_error()},
      {"server_error", response.is_server_error()},
      {"is_error", response.is_error()},
      {"is_json", response.is_json()}};
  for (const auto& [name, value] : predicates) {
    const Json* wanted = recorded.output().find(name);
    if (wanted) differences.expect_equal(name, *wanted, Json(value));
  }
  const auto type = response.content_type();
  differences.expect_equal("content_type", recorded.output("content_type"),
                           type ? Json(*type) : Json());
}

void check_loaded_json(const Case& recorded, const Response& response, Differences& differences) {
  const Json* wanted = recorded.output().find("loaded_json");
  if (!wanted) return;
  const auto json = response.json();
  if (json) return differences.expect_equal("loaded_json", *wanted, *json);
  // An exception is recorded as "Class: message".
  if (text_of(*wanted).find("Error") == std::string::npos) {
    differences.add("json() failed: " + json.error().message);
  }
}

}  // namespace

void check_response(const Case& recorded, Differences& differences) {
  const auto response = build(recorded.input());
  if (recorded.must_be_rejected()) {
    if (response) differences.add("was built, but must be rejected");
    return;
  }
  if (!response) return differences.add("was rejected: " + response.error().message());
  check_predicates(recorded, *response, differences);
  const Json json = response->to_json();
  std::string appended;
  response->append_json(appended);
  differences.expect_same_text("append_json()", json.dump(), appended);

  const auto reloaded = Response::from_json(json);
  if (!reloaded) return differences.add("cannot be read back: " + reloaded.error().message());
  differences.expect_same_text("the reloaded response", json.dump(), reloaded->to_json().dump());
  if (reloaded->body() != bytes_of(at(recorded.input(), "body"))) {
    differences.add("the reloaded body differs");
  }
  check_loaded_json(recorded, *reloaded, differences);

  if (const Json* payload = recorded.deviation("payload")) {
    differences.expect_equal("body", *payload, at(json, "body"));
    if (Json wanted = recorded.output("as_json"); wanted.is_object()) {
      wanted.set("body", *payload);
      differences.expect_equal("as_json", wanted, json);
    }
    return;
  }
  differences.expect_same_text("json_string", text_of(recorded.output("json_string")), json.dump());
  differences.expect_equal("as_json", recorded.output("as_json"), json);
}

}  // namespace patient_http::golden
