#include "patient_http/callback_args.h"

#include <utility>

#include "http/json_fields.h"

namespace patient_http {

namespace {

// Ruby writes and reads no more than Json::kMaxDepth levels, and the arguments travel inside a job,
// its list of arguments, an error and a response.
constexpr std::size_t kMaxDepth = Json::kMaxDepth - 4;

}  // namespace

Result<CallbackArgs, InvalidValue> CallbackArgs::create(Json value) {
  if (value.is_null()) return CallbackArgs();
  if (!value.is_object()) {
    return unexpected(InvalidValue{
        "callback_args", "must be an object or null, got " + std::string(value.type_name())});
  }
  if (auto found = http::find_unwritable(value, "callback_args", kMaxDepth)) {
    return unexpected(std::move(*found));
  }
  return CallbackArgs(std::move(value));
}

Result<Json> CallbackArgs::at(std::string_view key) const {
  if (const Json* found = value_.find(key)) return *found;
  std::string known;
  for (const std::string& name : keys()) {
    if (!known.empty()) known += ", ";
    known += name;
  }
  return failure("callback_args has no key \"" + std::string(key) + "\"; there " +
                 (known.empty() ? "are none" : "are: " + known));
}

Json CallbackArgs::fetch(std::string_view key, Json fallback) const {
  const Json* found = value_.find(key);
  if (found != nullptr) return *found;
  return fallback;
}

bool CallbackArgs::contains(std::string_view key) const noexcept {
  return value_.find(key) != nullptr;
}

std::vector<std::string> CallbackArgs::keys() const {
  std::vector<std::string> keys;
  keys.reserve(size());
  for (const Json::Member& member : *value_.if_object()) keys.push_back(member.key);
  return keys;
}

std::size_t CallbackArgs::size() const noexcept {
  return value_.if_object()->size();
}

}  // namespace patient_http
