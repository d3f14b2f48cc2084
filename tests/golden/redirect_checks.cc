#include <utility>

#include "engine/redirect_policy.h"
#include "golden/checks.h"

namespace patient_http::golden {

namespace {

// The golden request with what the deviation changes: "headers" lists those that go, any other
// member replaces the request's.
Json expected_request(const Case& recorded) {
  Json wanted = recorded.output("request");
  if (const Json* headers = recorded.deviation("headers"); headers && headers->if_array()) {
    Json::Object kept;
    for (const Json::Member& header : *at(wanted, "headers").if_object()) {
      bool goes = false;
      for (const Json& name : *headers->if_array()) goes = goes || text_of(name) == header.key;
      if (!goes) kept.push_back(header);
    }
    wanted.set("headers", std::move(kept));
  }
  for (const std::string_view key :
       {"http_method", "url", "body", "secret_params", "preprocessors"}) {
    if (const Json* value = recorded.deviation(key)) wanted.set(key, *value);
  }
  return wanted;
}

Result<Request, InvalidValue> build_current(const Case& recorded) {
  const Json& input = recorded.input();
  auto options = read_options(input);
  const auto method = parse_http_method(text_of(at(input, "method")));
  if (!options || !method) return unexpected(InvalidValue{"input", "is of a wrong type"});
  options->method = *method;
  if (const Json::Object* secrets = at(input, "secret_params").if_object()) {
    options->params = *secrets;
  }
  // Not recorded as input, and never changed on the way.
  const Json& after = recorded.output("request");
  options->timeout = read_timeout(at(after, "timeout"));
  if (const auto count = at(after, "max_redirects").to_int64()) {
    options->max_redirects = static_cast<int>(*count);
  }
  return Request::create(std::move(*options));
}

}  // namespace

void check_redirect(const Case& recorded, Differences& differences) {
  const Json& input = recorded.input();
  const auto current = build_current(recorded);
  if (!current) return differences.add("the request was rejected: " + current.error().message());
  const auto status = at(input, "status").to_int64();
  const auto next = engine::redirected_request(*current, static_cast<int>(status.value_or(0)),
                                               text_of(at(input, "location")));
  if (recorded.must_be_rejected()) {
    if (next) differences.add("was followed to " + next->url() + ", but must be rejected");
    return;
  }
  if (!next) return differences.add("was not followed: " + next.error().message);
  differences.expect_equal("the request", expected_request(recorded), next->to_json());
  differences.expect_equal("redirects", recorded.output("redirects"),
                           Json::array({current->url()}));
}

}  // namespace patient_http::golden
