#pragma once

#include <algorithm>
#include <string_view>

#include "base/uuid.h"
#include "patient_http/result.h"

namespace patient_http::payload {

// Whether `key` is one that this library or the Ruby gem made: a UUID in lower case. Stores build
// names of files and of keys of it.
[[nodiscard]] inline bool is_payload_key(std::string_view key) {
  return base::is_uuid(key) &&
         std::none_of(key.begin(), key.end(), [](char c) { return c >= 'A' && c <= 'F'; });
}

// What every store of ours asks first.
[[nodiscard]] inline Result<void> check_payload_key(std::string_view key) {
  if (is_payload_key(key)) return {};
  return failure("a payload's key is no UUID in lower case");
}

}  // namespace patient_http::payload
