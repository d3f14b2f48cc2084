#include <utility>

#include "base/text.h"
#include "golden/checks.h"
#include "patient_http/request.h"
#include "patient_http/request_template.h"

namespace patient_http::golden {

namespace {

Result<Request, InvalidValue> build(const Json& input) {
  const auto method = parse_http_method(text_of(at(input, "method")));
  if (!method) return unexpected(InvalidValue{"method", method.error().message});
  auto options = read_options(input);
  if (!options) return unexpected(InvalidValue{"input", "has a member of the wrong type"});
  options->method = *method;
  return Request::create(std::move(*options));
}

std::optional<std::string> given_body(const Json& input) {
  if (const Json* encoded = input.find("body_b64")) {
    return base::base64_decode_lenient(text_of(*encoded));
  }
  if (const std::string* text = at(input, "body").if_string()) return *text;
  return std::nullopt;
}

void check_reload(const Request& request, Differences& differences) {
  const Json json = request.to_json();
  const auto reloaded = Request::from_json(json);
  if (!reloaded) return differences.add("cannot be read back: " + reloaded.error().message());
  if (!(*reloaded == request)) differences.add("is another request when it is read back");
  differences.expect_equal("the reloaded request", json, reloaded->to_json());
}

void check_as_golden(const Case& recorded, const Request& request, Differences& differences) {
  const Json json = request.to_json();
  differences.expect_same_text("json_string", text_of(recorded.output("json_string")), json.dump());
  differences.expect_equal("as_json", recorded.output("as_json"), json);
  const auto body = bytes_of(recorded.output("body"));
  if (body != request.body()) differences.add("body differs");
  const auto parsed = Json::parse(text_of(recorded.output("json_string")));
  if (!parsed) return differences.add("json_string: " + parsed.error().message);
  const auto read = Request::from_json(*parsed);
  if (!read) return differences.add("cannot read json_string: " + read.error().message());
  differences.expect_same_text("reload_json_string", text_of(recorded.output("reload_json_string")),
                               read->to_json().dump());
}

}  // namespace

void check_request(const Case& recorded, Differences& differences) {
  const auto request = build(recorded.input());
  if (recorded.must_be_rejected()) {
    if (request) differences.add("was built, but must be rejected");
    return;
  }
  if (!request) return differences.add("was rejected: " + request.error().message());
  if (const Json* payload = recorded.deviation("payload")) {
    differences.expect_equal("body", *payload, at(request->to_json(), "body"));
    if (request->body() != given_body(recorded.input())) differences.add("body() differs");
    if (Json wanted = recorded.output("as_json"); wanted.is_object()) {
      wanted.set("body", *payload);
      differences.expect_equal("as_json", wanted, request->to_json());
    }
  } else if (const Json* body = recorded.deviation("body")) {
    if (request->body() != text_of(*body)) {
      differences.add("body differs: wanted " + body->dump() + ", got " +
                      shortened(request->body().value_or("none")));
    }
  } else if (recorded.expect().empty()) {
    check_as_golden(recorded, *request, differences);
  } else {
    differences.add("an expectation that is not known here: " + std::string(recorded.expect()));
  }
  check_reload(*request, differences);
  check_prepared(recorded, *request, differences);
}

void check_request_template(const Case& recorded, Differences& differences) {
  const Json& given = at(recorded.input(), "template");
  const auto shared = read_options(given);
  auto own = read_options(at(recorded.input(), "kwargs"));
  const auto method = parse_http_method(text_of(at(recorded.input(), "method")));
  const auto make = [&]() -> Result<Request, InvalidValue> {
    if (!shared || !own || !method) return unexpected(InvalidValue{"input", "is of a wrong type"});
    RequestTemplateOptions options;
    if (const std::string* base_url = at(given, "base_url").if_string())
      options.base_url = *base_url;
    options.headers = shared->headers;
    options.params = shared->params;
    options.preprocessors = shared->preprocessors;
    if (shared->timeout) options.timeout = *shared->timeout;
    const auto made = RequestTemplate::create(std::move(options));
    if (!made) return unexpected(made.error());
    own->method = *method;
    own->url = text_of(at(recorded.input(), "path"));
    return made->request(std::move(*own));
  };
  const auto request = make();
  if (recorded.must_be_rejected()) {
    if (request) differences.add("was built, but must be rejected");
    return;
  }
  if (!request) return differences.add("was rejected: " + request.error().message());
  const Json wanted = recorded.output();
  differences.expect_equal("the request", wanted, request->to_json());
  check_reload(*request, differences);
}

namespace {

// Numbers and booleans are texts as soon as they are values of headers.
Json as_header_values(const Json& object) {
  const auto headers = HttpHeaders::from_json(object);
  return headers ? headers->to_json() : Json("not headers: " + headers.error().message());
}

}  // namespace

void check_http_headers(const Case& recorded, Differences& differences) {
  const auto headers = HttpHeaders::from_json(recorded.input());
  if (recorded.must_be_rejected()) {
    if (headers) differences.add("were built, but must be rejected");
    return;
  }
  if (!headers) return differences.add("were rejected: " + headers.error().message());
  const Json& all = recorded.output("to_h");
  differences.expect_same_text("to_h", as_header_values(all).dump(), headers->to_json().dump());
  const auto text = headers->get("CONTENT-Type");
  differences.expect_equal("get", recorded.output("get"), text ? Json(*text) : Json());
  if (recorded.output().find("include_x")) {
    differences.expect_equal("include_x", recorded.output("include_x"), headers->contains("X"));
  }
  // What was merged, and what was left out, shows in the results.
  if (const Json::Object* merged = recorded.output("merge").if_object()) {
    Json::Object added;
    for (const Json::Member& member : *merged) {
      const Json* known = all.find(member.key);
      if (!known || !(*known == member.value)) added.push_back(member);
    }
    const auto over = HttpHeaders::from_json(added);
    if (!over) return differences.add("merge: " + over.error().message());
    differences.expect_same_text("merge", as_header_values(recorded.output("merge")).dump(),
                                 headers->merge(*over).to_json().dump());
  }
  if (const Json& rest = recorded.output("except"); rest.is_object()) {
    HttpHeaders kept = *headers;
    for (const auto& entry : headers->entries()) {
      if (!rest.find(entry.name)) kept = kept.except({entry.name});
    }
    differences.expect_equal("except", as_header_values(rest), kept.to_json());
  }
  differences.expect_same_text("to_h afterwards", as_header_values(all).dump(),
                               headers->to_json().dump());
}

}  // namespace patient_http::golden
