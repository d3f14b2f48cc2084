#include <utility>

#include "golden/checks.h"
#include "patient_http/error.h"

namespace patient_http::golden {

namespace {

// The class of the error itself, where class_name() of a RequestError is that of its cause.
std::string_view own_class(const Error& error) {
  return error.if_request_error() ? "PatientHttp::RequestError" : error.class_name();
}

void expect_text(const Case& recorded, std::string_view key, std::string_view got,
                 Differences& differences) {
  const Json* wanted = recorded.output().find(key);
  if (wanted && wanted->if_string()) differences.expect_same_text(key, *wanted->if_string(), got);
}

// Builds the redirect error of `json` from its parts instead of reading it.
std::optional<Error> build_redirect_error(const Json& json) {
  const auto read = RedirectError::from_json(json);
  const auto method = parse_http_method(text_of(at(json, "http_method")));
  if (!read || !method || at(json, "duration").is_null() || at(json, "duration").is_integer()) {
    return std::nullopt;
  }
  return Error(RedirectError(RedirectErrorOptions{.kind = read->kind(),
                                                  .url = read->url(),
                                                  .method = *method,
                                                  .duration = *read->duration(),
                                                  .request_id = read->request_id(),
                                                  .redirects = read->redirects(),
                                                  .callback_args = read->callback_args()}));
}

void check_one(const Case& recorded, const Error& error, Differences& differences) {
  const Json json = error.to_json();
  differences.expect_equal("as_json", recorded.output("as_json"), json);
  expect_text(recorded, "json_string", json.dump(), differences);
  expect_text(recorded, "message", error.message(), differences);
  expect_text(recorded, "error_type", error.error_type(), differences);
  expect_text(recorded, "class", own_class(error), differences);
  // For a cause that Ruby does not know an exception is recorded.
  if (!error.if_request_error()) {
    expect_text(recorded, "error_class", error.class_name(), differences);
  }
  const auto reloaded = Error::from_json(json);
  if (!reloaded) return differences.add("cannot be read back: " + reloaded.error().message());
  differences.expect_same_text("the reloaded error", json.dump(), reloaded->to_json().dump());
  expect_text(recorded, "reload_class", own_class(*reloaded), differences);
  expect_text(recorded, "reload_message", reloaded->message(), differences);
}

}  // namespace

void check_error(const Case& recorded, Differences& differences) {
  // Either the input is what was loaded, or it says how the error was made and the output has its
  // JSON.
  const bool is_made = recorded.input().find("status") != nullptr ||
                       (recorded.output().is_object() && !recorded.output().find("class"));
  const Json& json = is_made ? recorded.output("as_json") : recorded.input();
  const auto error = Error::from_json(json);
  if (recorded.must_be_rejected()) {
    if (error) differences.add("was read, but must be rejected");
    return;
  }
  if (!error) return differences.add("was rejected: " + error.error().message());
  check_one(recorded, *error, differences);
  if (!is_made) return;
  if (const auto* http_error = error->if_http_error()) {
    differences.expect_equal("status", at(recorded.input(), "status"), http_error->status());
    check_one(recorded, Error(HttpError(http_error->response())), differences);
  }
  if (error->if_redirect_error()) {
    if (const auto built = build_redirect_error(json)) check_one(recorded, *built, differences);
  }
}

}  // namespace patient_http::golden
