#pragma once

#include <string>
#include <utility>
#include <vector>

#include "patient_http/invalid_value.h"
#include "patient_http/json.h"
#include "patient_http/result.h"
#include "patient_http/secret_reference.h"

namespace patient_http::http {

// The params of a request, sorted into those that go into the url and those that do not.
struct EncodedParams {
  std::string pairs;  // "a=1&b=2"
  std::vector<std::pair<std::string, SecretReference>> secrets;
};

// Form-encodes `params` (RequestOptions::params says how). The failure names the param.
[[nodiscard]] Result<EncodedParams, InvalidValue> encode_params(const Json::Object& params);

}  // namespace patient_http::http
