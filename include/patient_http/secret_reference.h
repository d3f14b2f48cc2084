#pragma once

#include <string>
#include <string_view>

#include "patient_http/invalid_value.h"
#include "patient_http/json.h"
#include "patient_http/result.h"

namespace patient_http {

// Stands for a secret in a request: the name is stored, the value is put in when the request is
// sent. In JSON `{"$secret":"name"}`.
class SecretReference {
 public:
  // Fails when `name` is empty.
  [[nodiscard]] static Result<SecretReference, InvalidValue> create(std::string name);
  // Whether `json` has the form of a reference; the name may still be invalid.
  [[nodiscard]] static bool is_reference(const Json& json) noexcept;
  [[nodiscard]] static Result<SecretReference, InvalidValue> from_json(const Json& json);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Json to_json() const;

  bool operator==(const SecretReference&) const = default;

 private:
  explicit SecretReference(std::string name) : name_(std::move(name)) {}

  std::string name_;
};

}  // namespace patient_http
