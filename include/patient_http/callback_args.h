#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/invalid_value.h"
#include "patient_http/json.h"
#include "patient_http/result.h"

namespace patient_http {

// What the caller wants back in the callback: a JSON object of its own.
class CallbackArgs {
 public:
  CallbackArgs() = default;

  // Takes an object; null counts as an empty one. Every string in it must be valid UTF-8.
  [[nodiscard]] static Result<CallbackArgs, InvalidValue> create(Json value);

  // The value of a key; the failure lists the keys that there are.
  [[nodiscard]] Result<Json> at(std::string_view key) const;
  // The value of a key, or `fallback`.
  [[nodiscard]] Json fetch(std::string_view key, Json fallback = Json()) const;
  [[nodiscard]] bool contains(std::string_view key) const noexcept;
  [[nodiscard]] std::vector<std::string> keys() const;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept;

  // Always an object.
  [[nodiscard]] const Json& to_json() const noexcept { return value_; }

  bool operator==(const CallbackArgs&) const = default;

 private:
  explicit CallbackArgs(Json value) : value_(std::move(value)) {}

  Json value_ = Json(Json::Object());
};

}  // namespace patient_http
