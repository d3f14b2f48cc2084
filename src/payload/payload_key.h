#pragma once

#include <algorithm>
#include <string_view>

#include "base/uuid.h"

namespace patient_http::payload {

// Whether `key` is one that this library or the Ruby gem made: a UUID in lower case. Stores build
// file names of it.
[[nodiscard]] inline bool is_payload_key(std::string_view key) {
  return base::is_uuid(key) &&
         std::none_of(key.begin(), key.end(), [](char c) { return c >= 'A' && c <= 'F'; });
}

}  // namespace patient_http::payload
