#include "http/request_params.h"

#include <cmath>
#include <optional>

#include "base/json_text.h"
#include "base/text.h"
#include "base/url.h"
#include "http/json_fields.h"

namespace patient_http::http {

namespace {

// As Ruby's to_s writes it; empty for null; fails on arrays and objects.
Result<std::optional<std::string>, InvalidValue> scalar_text(const Json& value,
                                                             const std::string& field) {
  if (value.is_null()) return std::nullopt;
  if (const std::string* text = value.if_string()) return *text;
  if (const bool* flag = value.if_bool()) return std::string(*flag ? "true" : "false");
  if (value.is_integer()) return std::string(value.number_text());
  if (const auto number = value.to_double(); number && std::isfinite(*number)) {
    return base::ruby_float(*number);
  }
  return unexpected(InvalidValue{
      field, "must be a text, a number, a boolean, null, an array of these or a secret, got " +
                 std::string(value.type_name())});
}

void append_pair(std::string& pairs, const std::string& key,
                 const std::optional<std::string>& value) {
  base::append_form_encoded(pairs, key);
  if (!value) return;
  pairs += '=';
  base::append_form_encoded(pairs, *value);
}

// One param: "k=v", "k" for null, "k=1&k=2" for an array.
Result<std::string, InvalidValue> encode_param(const Json::Member& param,
                                               const std::string& field) {
  std::string pairs;
  const Json::Array* array = param.value.if_array();
  const Json* single = &param.value;
  const Json* begin = array ? array->data() : single;
  const std::size_t count = array ? array->size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    auto text = scalar_text(begin[i], field);
    if (!text) return unexpected(std::move(text.error()));
    if (i > 0) pairs += '&';
    append_pair(pairs, param.key, *text);
  }
  return pairs;
}

}  // namespace

Result<EncodedParams, InvalidValue> encode_params(const Json::Object& params) {
  EncodedParams encoded;
  bool first = true;
  for (const Json::Member& param : params) {
    const std::string field = "params." + base::to_valid_utf8(param.key);
    if (!base::is_valid_utf8(param.key)) {
      return unexpected(InvalidValue{"params", "must have names in valid UTF-8"});
    }
    if (auto found = find_unwritable(param.value, field, Json::kMaxDepth)) {
      return unexpected(std::move(*found));
    }
    if (SecretReference::is_reference(param.value)) {
      auto secret = SecretReference::from_json(param.value);
      if (!secret) return unexpected(InvalidValue{field, secret.error().reason});
      encoded.secrets.emplace_back(param.key, std::move(*secret));
      continue;
    }
    auto pairs = encode_param(param, field);
    if (!pairs) return unexpected(std::move(pairs.error()));
    if (!first) encoded.pairs += '&';
    first = false;
    encoded.pairs += *pairs;
  }
  return encoded;
}

}  // namespace patient_http::http
