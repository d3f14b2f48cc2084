#include "patient_http/secret_reference.h"

#include "base/text.h"

namespace patient_http {

namespace {

constexpr std::string_view kKey = "$secret";

}  // namespace

Result<SecretReference, InvalidValue> SecretReference::create(std::string name) {
  if (name.empty()) return unexpected(InvalidValue{"secret", "must have a name, got an empty one"});
  if (!base::is_valid_utf8(name)) {
    return unexpected(InvalidValue{"secret", "must have a name in valid UTF-8"});
  }
  return SecretReference(std::move(name));
}

bool SecretReference::is_reference(const Json& json) noexcept {
  return json.find(kKey) != nullptr;
}

Result<SecretReference, InvalidValue> SecretReference::from_json(const Json& json) {
  const Json* name = json.find(kKey);
  if (!name) {
    return unexpected(InvalidValue{"secret", "must have the form {\"$secret\":\"name\"}, got " +
                                                 std::string(json.type_name())});
  }
  if (!name->if_string()) {
    return unexpected(InvalidValue{
        "secret", "must have a text as its name, got " + std::string(name->type_name())});
  }
  return create(*name->if_string());
}

Json SecretReference::to_json() const {
  return Json::object({{std::string(kKey), Json(name_)}});
}

}  // namespace patient_http
