#include "http/json_fields.h"

#include "base/text.h"

namespace patient_http::http {

namespace {

InvalidValue wrong_type(std::string_view key, std::string_view wanted, const Json& got) {
  return InvalidValue{std::string(key),
                      "must be " + std::string(wanted) + ", got " + std::string(got.type_name())};
}

}  // namespace

const Json& member(const Json& object, std::string_view key) {
  static const Json null;
  const Json* found = object.find(key);
  return found ? *found : null;
}

Result<std::string, InvalidValue> read_text(const Json& object, std::string_view key) {
  const Json& value = member(object, key);
  if (value.is_null()) return std::string();
  const std::string* text = value.if_string();
  if (!text) return unexpected(wrong_type(key, "a text or null", value));
  return *text;
}

Result<std::vector<std::string>, InvalidValue> read_texts(const Json& object,
                                                          std::string_view key) {
  const Json& value = member(object, key);
  std::vector<std::string> texts;
  if (value.is_null()) return texts;
  const Json::Array* array = value.if_array();
  if (!array) return unexpected(wrong_type(key, "an array or null", value));
  for (const Json& element : *array) {
    const std::string* text = element.if_string();
    if (!text) return unexpected(wrong_type(key, "an array of texts", element));
    texts.push_back(*text);
  }
  return texts;
}

Result<Json, InvalidValue> read_seconds(const Json& object, std::string_view key) {
  const Json& value = member(object, key);
  if (value.is_null()) return Json();
  if (!value.to_double()) return unexpected(wrong_type(key, "a number of seconds or null", value));
  return value;
}

Json to_json(const std::vector<std::string>& texts) {
  Json::Array array;
  array.reserve(texts.size());
  for (const std::string& text : texts) array.emplace_back(base::to_valid_utf8(text));
  return Json(std::move(array));
}

std::optional<InvalidValue> find_unwritable(const Json& value, const std::string& field,
                                            std::size_t max_depth) {
  if (const std::string* text = value.if_string()) {
    if (base::is_valid_utf8(*text)) return std::nullopt;
    return InvalidValue{field, "must be valid UTF-8"};
  }
  const Json::Array* array = value.if_array();
  const Json::Object* object = value.if_object();
  if (!array && !object) return std::nullopt;
  if (max_depth == 0) return InvalidValue{field, "is nested too deeply for JSON"};
  if (array) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      auto found =
          find_unwritable((*array)[i], field + "[" + std::to_string(i) + "]", max_depth - 1);
      if (found) return found;
    }
    return std::nullopt;
  }
  for (const Json::Member& member : *object) {
    if (!base::is_valid_utf8(member.key)) {
      return InvalidValue{field, "has a key that is not valid UTF-8"};
    }
    auto found = find_unwritable(member.value, field + "." + member.key, max_depth - 1);
    if (found) return found;
  }
  return std::nullopt;
}

}  // namespace patient_http::http
