#include "golden/checks.h"
#include "patient_http/callback_args.h"
#include "patient_http/error.h"
#include "patient_http/request.h"
#include "patient_http/response.h"

namespace patient_http::golden {

namespace {

// Encrypted, or in a payload store: of no form that the values know.
bool is_opaque(const Json& data) {
  return data.find("__encrypted__") != nullptr || data.find("$ref") != nullptr;
}

template <class T>
void check_round_trip(const Json& data, Differences& differences) {
  const auto value = T::from_json(data);
  if (!value) return differences.add("cannot be read: " + value.error().message());
  differences.expect_same_text("what is written back", data.dump(), value->to_json().dump());
}

// Calls `check` with the arguments of each job, which must survive parsing byte for byte.
template <class F>
void for_each_job(const Case& recorded, Differences& differences, F check) {
  const Json::Array* jobs = recorded.output("raw_job_json").if_array();
  if (!jobs || jobs->empty()) return differences.add("there is no job in it");
  for (const Json& text : *jobs) {
    const auto job = Json::parse(text_of(text));
    if (!job) {
      differences.add("the job: " + job.error().message);
      continue;
    }
    differences.expect_same_text("the job", text_of(text), job->dump());
    const Json::Array* args = at(*job, "args").if_array();
    if (!args) {
      differences.add("the job has no args");
      continue;
    }
    check(*args);
  }
}

}  // namespace

void check_request_job(const Case& recorded, Differences& differences) {
  for_each_job(recorded, differences, [&](const Json::Array& args) {
    if (args.empty()) return differences.add("the job has no data");
    if (!is_opaque(args[0])) check_round_trip<Request>(args[0], differences);
    if (args.size() < 4 || args[3].is_null()) return;
    const auto callback_args = CallbackArgs::create(args[3]);
    if (!callback_args) return differences.add(callback_args.error().message());
    differences.expect_same_text("callback_args", args[3].dump(), callback_args->to_json().dump());
  });
}

void check_callback_job(const Case& recorded, Differences& differences) {
  for_each_job(recorded, differences, [&](const Json::Array& args) {
    if (args.size() < 3) return differences.add("the job has too few args");
    if (is_opaque(args[0])) return;
    const std::string kind = text_of(args[1]);
    if (kind == "response") return check_round_trip<Response>(args[0], differences);
    if (kind == "error") return check_round_trip<Error>(args[0], differences);
    differences.add("the job is for neither a response nor an error");
  });
}

namespace {

constexpr std::string_view kGotMethod = "method must be one of";

}  // namespace

bool is_judged_enqueue_error(const Json& recorded) {
  const std::string message = text_of(at(at(recorded, "output"), "message"));
  return message.find(kGotMethod) != std::string::npos;
}

void check_enqueue_error(const Case& recorded, Differences& differences) {
  const std::string message = text_of(recorded.output("message"));
  const std::string method = message.substr(message.rfind(':') + 1);
  if (parse_http_method(method)) differences.add("the method " + method + " is accepted");
}

}  // namespace patient_http::golden
