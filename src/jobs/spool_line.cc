#include "jobs/spool_line.h"

#include <utility>

#include "base/text.h"
#include "patient_http/json.h"

namespace patient_http::jobs {

namespace {

std::optional<std::string> string_member(const Json& json, std::string_view name) {
  const Json* const found = json.find(name);
  const std::string* const text = found != nullptr ? found->if_string() : nullptr;
  return text != nullptr ? std::optional(*text) : std::nullopt;
}

}  // namespace

std::string to_spool_line(const SpoolHead& head) {
  return Json::object({{"process_id", Json(head.process_id)}, {"store", Json(head.store)}}).dump();
}

std::string to_spool_line(const Completion& result) {
  Json line = Json::object({{"claim_id", Json(result.claim_id)},
                            {"callback_jid", Json(result.callback_jid)},
                            // The bytes must come back as they are, whatever they are.
                            {"callback", Json(base::base64_encode(result.callback_bytes))},
                            {"duration", Json(result.statistics.duration.count())}});
  if (result.statistics.http_status) line.set("http_status", Json(*result.statistics.http_status));
  if (result.statistics.error_type) line.set("error_type", Json(*result.statistics.error_type));
  if (result.payload) line.set("payload", Json(*result.payload));
  if (result.sidekiq_queue) line.set("sidekiq_queue", Json(*result.sidekiq_queue));
  return line.dump();
}

std::optional<SpoolHead> parse_spool_head(std::string_view line) {
  const auto json = Json::parse(line);
  if (!json) return std::nullopt;
  auto process_id = string_member(*json, "process_id");
  auto store = string_member(*json, "store");
  if (!process_id || !store) return std::nullopt;
  return SpoolHead{std::move(*process_id), std::move(*store)};
}

std::optional<Completion> parse_spool_result(std::string_view line) {
  const auto json = Json::parse(line);
  if (!json) return std::nullopt;
  auto claim_id = string_member(*json, "claim_id");
  auto callback_jid = string_member(*json, "callback_jid");
  const auto callback = string_member(*json, "callback");
  auto bytes = callback ? base::base64_decode(*callback) : std::nullopt;
  if (!claim_id || !callback_jid || !bytes) return std::nullopt;
  Completion result;
  result.claim_id = std::move(*claim_id);
  result.callback_jid = std::move(*callback_jid);
  result.callback_bytes = std::move(*bytes);
  if (const Json* duration = json->find("duration"); duration != nullptr)
    result.statistics.duration = std::chrono::duration<double>(duration->to_double().value_or(0));
  if (const Json* status = json->find("http_status"); status != nullptr) {
    if (const auto number = status->to_int64()) {
      result.statistics.http_status = static_cast<int>(*number);
    }
  }
  result.statistics.error_type = string_member(*json, "error_type");
  result.payload = string_member(*json, "payload");
  result.sidekiq_queue = string_member(*json, "sidekiq_queue");
  return result;
}

}  // namespace patient_http::jobs
