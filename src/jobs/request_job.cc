#include "jobs/request_job.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/json_text.h"
#include "base/url.h"
#include "jobs/sidekiq_time.h"

namespace patient_http::jobs {

namespace {

constexpr std::string_view kRequestClass = "PatientHttp::Sidekiq::RequestWorker";

// Fields of the application and of its tracing that the callback's code wants to see again:
// Rails' current attributes and locale, tags, W3C trace context, Sentry, Datadog; and ours.
constexpr std::array<std::string_view, 8> kCarried = {
    "locale",   "tags",     "traceparent", "tracestate", "baggage", "trace_propagation_headers",
    "_datadog", "reference"};

bool is_carried(std::string_view key) {
  return key.starts_with("cattr") ||
         std::find(kCarried.begin(), kCarried.end(), key) != kCarried.end();
}

std::string carried_members(const Json::Object& job) {
  std::string out;
  for (const Json::Member& member : job) {
    if (!is_carried(member.key)) continue;
    out += ',';
    base::append_json_string(out, member.key);
    out += ':';
    member.value.dump_to(out);
  }
  return out;
}

tl::unexpected<UnrunnableJob> malformed(std::string reason) {
  return unexpected(UnrunnableJob{UnrunnableJob::What::kMalformed, std::move(reason)});
}

std::string string_or_empty(const Json* json) {
  const std::string* text = json != nullptr ? json->if_string() : nullptr;
  return text != nullptr ? *text : std::string();
}

const Json* at(const Json::Array& array, std::size_t index) {
  return index < array.size() ? &array[index] : nullptr;
}

}  // namespace

Result<RequestJob, UnrunnableJob> parse_request_job(std::string_view bytes) {
  const auto json = Json::parse(bytes);
  if (!json) return malformed(json.error().message);
  const Json::Object* job = json->if_object();
  if (job == nullptr)
    return malformed("the job must be a JSON object, got: " + std::string(json->type_name()));
  const std::string class_name = string_or_empty(json->find("class"));
  if (class_name != kRequestClass) {
    return malformed("the job's class must be " + std::string(kRequestClass) +
                     ", got: " + base::json_string(class_name));
  }
  const Json* args_json = json->find("args");
  const Json::Array* args = args_json != nullptr ? args_json->if_array() : nullptr;
  if (args == nullptr || args->size() < 2) {
    return malformed("the job's args must be an array of at least a request and a callback");
  }
  std::string request_id = string_or_empty(at(*args, 4));
  if (request_id.empty()) request_id = string_or_empty(json->find("jid"));
  if (request_id.empty()) return malformed("the job has neither a request id nor a jid");
  const std::string callback = string_or_empty(at(*args, 1));
  if (callback.empty()) return malformed("the job names no callback");

  UnrunnableJob invalid{UnrunnableJob::What::kInvalidRequest,
                        "",
                        request_id,
                        string_or_empty((*args)[0].find("url")),
                        callback,
                        {},
                        carried_members(*job)};
  const Json* callback_args_json = at(*args, 3);
  auto callback_args =
      CallbackArgs::create(callback_args_json != nullptr ? *callback_args_json : Json());
  if (!callback_args) return malformed(callback_args.error().message());
  invalid.callback_args = *callback_args;
  for (const char* marker : {"$ref", "__encrypted__"}) {
    if ((*args)[0].find(marker) != nullptr) {
      return malformed(
          "the request is stored elsewhere or encrypted, and no payload store or key is "
          "set up here");
    }
  }
  auto request = Request::from_json((*args)[0]);
  if (!request) {
    invalid.reason = request.error().message();
    return unexpected(std::move(invalid));
  }
  const Json* raises = at(*args, 2);
  const bool* raise = raises != nullptr ? raises->if_bool() : nullptr;
  return RequestJob{std::move(request_id),
                    std::move(*request),
                    callback,
                    std::move(*callback_args),
                    raise != nullptr ? std::optional(*raise) : std::nullopt,
                    std::move(invalid.carried)};
}

std::string make_request_job(const Request& request, const NewRequestJob& job) {
  const std::string now = sidekiq_time(std::chrono::system_clock::now());
  std::string out = "{\"retry\":true,\"queue\":" + base::json_string(job.queue) + ",\"args\":[";
  request.to_json().dump_to(out);
  out += ',';
  base::append_json_string(out, job.callback);
  out += ',';
  out += job.raise_error_responses ? (*job.raise_error_responses ? "true" : "false") : "null";
  out += ',';
  job.callback_args.dump_to(out);
  out += ',';
  base::append_json_string(out, job.request_id.empty() ? job.jid : job.request_id);
  out +=
      "],\"class\":" + base::json_string(kRequestClass) + ",\"jid\":" + base::json_string(job.jid);
  if (!job.reference.is_null()) {
    out += ",\"reference\":";
    job.reference.dump_to(out);
  }
  return out + ",\"created_at\":" + now + ",\"enqueued_at\":" + now + "}";
}

}  // namespace patient_http::jobs
