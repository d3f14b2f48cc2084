#pragma once

#include <string>
#include <string_view>

#include "patient_http/json.h"
#include "patient_http/result.h"

namespace patient_http::payload {

// What stands in a job for data that is kept in a payload store:
// `{"$ref":{"store":"<name>","key":"<uuid>"}}`. Valid by construction: the name is one that can be
// registered, the key has the form that we write, so that no store ever sees anything else.
class PayloadReference {
 public:
  // A name of 1 to 64 letters, digits, '_', '-' and '.', which does not begin with '.'.
  [[nodiscard]] static bool is_valid_store_name(std::string_view name);

  // Whether `json` is meant as a reference; it may still be malformed.
  [[nodiscard]] static bool is_reference(const Json& json);
  // Fails, without naming the content, when it is not of the form that we write.
  [[nodiscard]] static Result<PayloadReference> from_json(const Json& json);
  // Reads text().
  [[nodiscard]] static Result<PayloadReference> parse(std::string_view text);
  // A reference with a new key. REQUIRES: a valid name.
  [[nodiscard]] static PayloadReference create(std::string store);

  [[nodiscard]] const std::string& store() const { return store_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  // "<store>/<key>", for logs and for our own tables.
  [[nodiscard]] std::string text() const { return store_ + "/" + key_; }
  // As it stands in a job.
  [[nodiscard]] std::string json() const;

  bool operator==(const PayloadReference&) const = default;

 private:
  PayloadReference(std::string store, std::string key)
      : store_(std::move(store)), key_(std::move(key)) {}

  std::string store_;
  std::string key_;
};

}  // namespace patient_http::payload
