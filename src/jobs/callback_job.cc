#include "jobs/callback_job.h"

#include "base/json_text.h"
#include "drivers/crypto/sha256.h"
#include "jobs/sidekiq_time.h"

namespace patient_http::jobs {

namespace {

constexpr std::string_view kCallbackClass = "PatientHttp::Sidekiq::CallbackWorker";
constexpr std::size_t kJidLength = 24;

const std::string* string_at(const Json::Array& array, std::size_t index) {
  return index < array.size() ? array[index].if_string() : nullptr;
}

}  // namespace

std::string callback_jid(std::string_view request_id) {
  return crypto::sha256_hex(std::string(request_id) + ":callback").substr(0, kJidLength);
}

std::string make_callback_job(const std::variant<Response, Error>& outcome,
                              std::string_view request_id, std::string_view callback,
                              std::string_view carried, const CallbackJobOptions& options) {
  const std::string now = sidekiq_time(std::chrono::system_clock::now());
  std::string out = "{\"retry\":true,\"queue\":" + base::json_string(options.queue) + ",\"args\":[";
  const auto* error = std::get_if<Error>(&outcome);
  if (error != nullptr) {
    error->to_json().dump_to(out);
  } else {
    std::get<Response>(outcome).append_json(out);
  }
  out += error != nullptr ? ",\"error\"," : ",\"response\",";
  base::append_json_string(out, callback);
  out += "],\"class\":" + base::json_string(kCallbackClass) +
         ",\"jid\":" + base::json_string(callback_jid(request_id));
  if (error != nullptr) out += ",\"error_kind\":" + base::json_string(to_string(error->kind()));
  out += carried;
  return out + ",\"created_at\":" + now + ",\"enqueued_at\":" + now + "}";
}

Result<CallbackJob> parse_callback_job(std::string_view bytes) {
  const auto json = Json::parse(bytes);
  if (!json) return failure(json.error().message);
  const Json* args_json = json->find("args");
  const Json::Array* args = args_json != nullptr ? args_json->if_array() : nullptr;
  const std::string* type = args != nullptr ? string_at(*args, 1) : nullptr;
  const std::string* callback = args != nullptr ? string_at(*args, 2) : nullptr;
  if (type == nullptr || callback == nullptr || (*type != "response" && *type != "error")) {
    return failure("the callback job's args must be a result, its type and a callback");
  }
  const auto text = [&](const char* key) {
    const Json* value = json->find(key);
    const std::string* found = value != nullptr ? value->if_string() : nullptr;
    return found != nullptr ? *found : std::string();
  };
  const Json* reference = json->find("reference");
  const auto build = [&](auto result) -> Result<CallbackJob> {
    if (!result) return failure("the callback job's result: " + result.error().message());
    return CallbackJob{text("jid"), *callback, std::move(*result),
                       parse_error_kind(text("error_kind")).value_or(ErrorKind::kUnknown),
                       reference != nullptr ? *reference : Json()};
  };
  return *type == "response" ? build(Response::from_json((*args)[0]))
                             : build(Error::from_json((*args)[0]));
}

}  // namespace patient_http::jobs
