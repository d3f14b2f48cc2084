#include "jobs/callback_job.h"

#include <chrono>
#include <utility>

#include "base/json_text.h"
#include "drivers/crypto/sha256.h"
#include "jobs/sidekiq_classes.h"
#include "jobs/sidekiq_time.h"

namespace patient_http::jobs {

namespace {

constexpr std::size_t kJidLength = 24;

const std::string* string_at(const Json::Array& array, std::size_t index) {
  return index < array.size() ? array[index].if_string() : nullptr;
}

tl::unexpected<UnopenedData> malformed(std::string reason) {
  return unexpected(UnopenedData{UnopenedData::What::kMalformed, std::move(reason)});
}

}  // namespace

std::string callback_jid(std::string_view request_id) {
  return crypto::sha256_hex(std::string(request_id) + ":callback").substr(0, kJidLength);
}

std::string outcome_json(const std::variant<Response, Error>& outcome) {
  std::string json;
  if (const auto* error = std::get_if<Error>(&outcome)) {
    error->to_json().dump_to(json);
  } else {
    std::get<Response>(outcome).append_json(json);
  }
  return json;
}

std::string make_callback_job(std::string_view data, const NewCallbackJob& job,
                              const CallbackJobOptions& options) {
  const std::string now = sidekiq_time(std::chrono::system_clock::now());
  std::string out;
  out.reserve(data.size() + job.carried.size() + 512);
  out.append("{\"retry\":")
      .append(options.retries ? std::to_string(*options.retries) : "true")
      .append(",\"queue\":");
  base::append_json_string(out, options.queue);
  out.append(",\"args\":[").append(data);
  out += job.error_kind ? ",\"error\"," : ",\"response\",";
  base::append_json_string(out, job.callback);
  out += "],\"class\":" + base::json_string(kCallbackClass) +
         ",\"jid\":" + base::json_string(job.jid.empty() ? callback_jid(job.request_id) : job.jid);
  if (job.error_kind) out += ",\"error_kind\":" + base::json_string(to_string(*job.error_kind));
  out += job.carried;
  return out + ",\"created_at\":" + now + ",\"enqueued_at\":" + now + "}";
}

Result<CallbackJob, UnopenedData> parse_callback_job(std::string_view bytes,
                                                     const JobOpener& opener) {
  auto json = Json::parse(bytes);
  if (!json) return malformed(json.error().message);
  if (!json->is_object()) return malformed("the callback job must be a JSON object");
  Json* const args_json = json->find("args");
  Json::Array* const args = args_json != nullptr ? args_json->if_array() : nullptr;
  const std::string* type = args != nullptr ? string_at(*args, 1) : nullptr;
  const std::string* callback = args != nullptr ? string_at(*args, 2) : nullptr;
  if (type == nullptr || callback == nullptr || (*type != "response" && *type != "error")) {
    return malformed("the callback job's args must be a result, its type and a callback");
  }
  const auto text = [&](const char* key) {
    const Json* value = json->find(key);
    const std::string* found = value != nullptr ? value->if_string() : nullptr;
    return found != nullptr ? *found : std::string();
  };
  const Json* reference = json->find("reference");
  const auto opened = opener.open(std::move((*args)[0]));
  if (!opened) return unexpected(opened.error());
  const auto build = [&](auto result) -> Result<CallbackJob, UnopenedData> {
    if (!result) return malformed("the callback job's result: " + result.error().message());
    return CallbackJob{text("jid"), *callback, std::move(*result),
                       reference != nullptr ? *reference : Json()};
  };
  if (*type == "response") return build(Response::from_json(opened->data));
  const ErrorKind kind = parse_error_kind(text("error_kind")).value_or(ErrorKind::kUnknown);
  return build(Error::from_json(opened->data, kind));
}

}  // namespace patient_http::jobs
