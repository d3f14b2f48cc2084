#include "jobs/request_job.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/json_splice.h"
#include "base/json_text.h"
#include "base/url.h"
#include "jobs/sidekiq_classes.h"
#include "jobs/sidekiq_time.h"

namespace patient_http::jobs {

namespace {

// Ours: args[3] is an envelope.
constexpr std::string_view kArgsEncrypted = "callback_args_encrypted";
constexpr std::string_view kAttempts = "earlier_attempts";

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

// What is not of our form counts as none: others may write what they like there.
std::optional<EarlierAttempts> earlier_attempts(const Json& job) {
  constexpr std::int64_t kMost = 1'000'000;
  constexpr double kLatest = 4e9;  // the year 2096, within any clock
  const Json* json = job.find(kAttempts);
  if (json == nullptr || !json->is_object()) return std::nullopt;
  const Json* count = json->find("count");
  const Json* began_at = json->find("began_at");
  if (count == nullptr || began_at == nullptr) return std::nullopt;
  const std::int64_t number = count->to_int64().value_or(0);
  const double seconds = began_at->to_double().value_or(-1);
  if (number < 1 || number > kMost || !(seconds >= 0 && seconds <= kLatest)) return std::nullopt;
  using std::chrono::system_clock;
  const std::chrono::duration<double> since_epoch(seconds);
  const auto rounded = std::chrono::round<std::chrono::microseconds>(since_epoch);
  return EarlierAttempts{static_cast<int>(number), system_clock::time_point(rounded)};
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

// A job whose data still stands in it as it came.
struct SealedJob {
  std::string request_id;
  std::string callback;
  Json data;
  Json callback_args;
  bool are_args_encrypted = false;
  std::optional<bool> raise_error_responses;
  std::string carried;
  std::optional<EarlierAttempts> earlier_attempts;
};

Result<SealedJob, UnrunnableJob> read_job(std::string_view bytes) {
  auto json = Json::parse(bytes);
  if (!json) return malformed(json.error().message);
  const Json::Object* job = json->if_object();
  if (job == nullptr)
    return malformed("the job must be a JSON object, got: " + std::string(json->type_name()));
  const std::string class_name = string_or_empty(json->find("class"));
  if (class_name != kRequestClass) {
    return malformed("the job's class must be " + std::string(kRequestClass) +
                     ", got: " + base::json_string(class_name));
  }
  Json* const args_json = json->find("args");
  Json::Array* const args = args_json != nullptr ? args_json->if_array() : nullptr;
  if (args == nullptr || args->size() < 2) {
    return malformed("the job's args must be an array of at least a request and a callback");
  }
  SealedJob sealed;
  sealed.request_id = string_or_empty(at(*args, 4));
  if (sealed.request_id.empty()) sealed.request_id = string_or_empty(json->find("jid"));
  if (sealed.request_id.empty()) return malformed("the job has neither a request id nor a jid");
  sealed.callback = string_or_empty(at(*args, 1));
  if (sealed.callback.empty()) return malformed("the job names no callback");
  const Json* raises = at(*args, 2);
  if (const bool* raise = raises != nullptr ? raises->if_bool() : nullptr) {
    sealed.raise_error_responses = *raise;
  }
  sealed.carried = carried_members(*job);
  sealed.earlier_attempts = earlier_attempts(*json);
  const Json* encrypted = json->find(kArgsEncrypted);
  sealed.are_args_encrypted =
      encrypted != nullptr && encrypted->if_bool() != nullptr && *encrypted->if_bool();
  if (args->size() > 3) sealed.callback_args = std::move((*args)[3]);
  sealed.data = std::move((*args)[0]);  // a body may be in it: moved, not copied
  return sealed;
}

tl::unexpected<UnrunnableJob> unopened(const UnopenedData& reason) {
  const bool is_malformed = reason.what == UnopenedData::What::kMalformed;
  return unexpected(UnrunnableJob{
      is_malformed ? UnrunnableJob::What::kMalformed : UnrunnableJob::What::kUnreadable,
      reason.reason});
}

}  // namespace

Result<RequestJob, UnrunnableJob> parse_request_job(std::string_view bytes,
                                                    const JobOpener& opener) {
  auto job = read_job(bytes);
  if (!job) return unexpected(std::move(job.error()));
  if (job->are_args_encrypted) {
    auto args = opener.decrypt(std::move(job->callback_args));
    if (!args) return unopened(args.error());
    job->callback_args = std::move(args->data);
  }
  auto callback_args = CallbackArgs::create(std::move(job->callback_args));
  if (!callback_args) return malformed(callback_args.error().message());
  const auto opened = opener.open(std::move(job->data));
  if (!opened) return unopened(opened.error());
  auto request = Request::from_json(opened->data);
  if (!request) {
    return unexpected(UnrunnableJob{
        UnrunnableJob::What::kInvalidRequest, request.error().message(), std::move(job->request_id),
        string_or_empty(opened->data.find("url")), std::move(job->callback),
        std::move(*callback_args), opened->format, std::move(job->carried)});
  }
  return RequestJob{std::move(job->request_id), std::move(*request),
                    std::move(job->callback),   std::move(*callback_args),
                    job->raise_error_responses, opened->format,
                    std::move(job->carried),    job->earlier_attempts};
}

std::string with_attempts(std::string bytes, const EarlierAttempts& attempts) {
  base::set_json_member(bytes, kAttempts,
                        "{\"count\":" + std::to_string(attempts.count) +
                            ",\"began_at\":" + sidekiq_time(attempts.began_at) + "}");
  return bytes;
}

std::string make_request_job(const Request& request, const NewRequestJob& job) {
  return make_request_job(request.to_json().dump(), job);
}

std::string make_request_job(std::string_view data, const NewRequestJob& job) {
  const std::string now = sidekiq_time(std::chrono::system_clock::now());
  std::string out = "{\"retry\":true,\"queue\":" + base::json_string(job.queue) + ",\"args\":[";
  out += data;
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
  if (job.are_args_encrypted) out += ",\"" + std::string(kArgsEncrypted) + "\":true";
  if (!job.reference.is_null()) {
    out += ",\"reference\":";
    job.reference.dump_to(out);
  }
  return out + ",\"created_at\":" + now + ",\"enqueued_at\":" + now + "}";
}

}  // namespace patient_http::jobs
