#include "patient_http/http_headers.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "http/header_text.h"

namespace patient_http {

namespace {

constexpr std::size_t kFewFields = 8;

Result<std::string, InvalidValue> scalar_text(const Json& json, const std::string& field) {
  if (const std::string* text = json.if_string()) return *text;
  if (const bool* flag = json.if_bool()) return std::string(*flag ? "true" : "false");
  if (json.is_number()) return std::string(json.number_text());
  return unexpected(InvalidValue{field, "must be a text, a number, a boolean, an array of these, " +
                                            std::string("a secret or null, got ") +
                                            std::string(json.type_name())});
}

Result<HttpHeaders::Value, InvalidValue> read_value(const Json& json, const std::string& field) {
  if (json.is_null()) return HttpHeaders::Value();
  if (SecretReference::is_reference(json)) {
    auto secret = SecretReference::from_json(json);
    if (!secret) return unexpected(InvalidValue{field, secret.error().reason});
    return HttpHeaders::Value(std::move(*secret));
  }
  if (const Json::Array* array = json.if_array()) {
    std::vector<std::string> texts;
    for (const Json& element : *array) {
      auto text = scalar_text(element, field);
      if (!text) return unexpected(std::move(text.error()));
      texts.push_back(std::move(*text));
    }
    return HttpHeaders::Value(std::move(texts));
  }
  auto text = scalar_text(json, field);
  if (!text) return unexpected(std::move(text.error()));
  return HttpHeaders::Value(std::move(*text));
}

Json value_to_json(const HttpHeaders::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return base::to_valid_utf8(*text);
  if (const auto* secret = std::get_if<SecretReference>(&value)) return secret->to_json();
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    Json::Array array;
    for (const std::string& text : *texts) array.emplace_back(base::to_valid_utf8(text));
    return Json(std::move(array));
  }
  return Json();
}

}  // namespace

HttpHeaders::HttpHeaders(std::initializer_list<std::pair<std::string_view, Value>> entries) {
  for (const auto& [name, value] : entries) set(name, value);
}

void HttpHeaders::set(std::string_view name, Value value) {
  std::string lower = base::ascii_lower(name);
  for (Entry& entry : entries_) {
    if (entry.name == lower) {
      entry.value = std::move(value);
      return;
    }
  }
  entries_.push_back({std::move(lower), std::move(value)});
}

void HttpHeaders::append(std::string_view name, std::string_view value) {
  for (Entry& entry : entries_) {
    auto* text = std::get_if<std::string>(&entry.value);
    if (!text || !base::ascii_equal_ignoring_case(entry.name, name)) continue;
    *text += entry.name == "set-cookie" ? "\n" : ",";
    *text += value;
    return;
  }
  // Of a response, whose fields come one by one.
  if (entries_.empty()) entries_.reserve(kFewFields);
  set(name, std::string(value));
}

bool HttpHeaders::erase(std::string_view name) {
  return std::erase_if(entries_, [&](const Entry& entry) {
           return base::ascii_equal_ignoring_case(entry.name, name);
         }) > 0;
}

const HttpHeaders::Value* HttpHeaders::find(std::string_view name) const noexcept {
  for (const Entry& entry : entries_) {
    if (base::ascii_equal_ignoring_case(entry.name, name)) return &entry.value;
  }
  return nullptr;
}

bool HttpHeaders::contains(std::string_view name) const noexcept {
  return find(name) != nullptr;
}

std::optional<std::string_view> HttpHeaders::get(std::string_view name) const noexcept {
  const Value* value = find(name);
  const auto* text = value ? std::get_if<std::string>(value) : nullptr;
  if (!text) return std::nullopt;
  return *text;
}

HttpHeaders HttpHeaders::merge(const HttpHeaders& other) const {
  HttpHeaders merged = *this;
  for (const Entry& entry : other.entries_) merged.set(entry.name, entry.value);
  return merged;
}

HttpHeaders HttpHeaders::except(std::initializer_list<std::string_view> names) const {
  HttpHeaders rest = *this;
  for (const std::string_view name : names) rest.erase(name);
  return rest;
}

Result<void, InvalidValue> HttpHeaders::validate() const {
  for (const auto& [name, value] : entries_) {
    if (!http::is_header_name(name)) {
      return unexpected(
          InvalidValue{"headers", "must have names of letters, digits and !#$%&'*+-.^_`|~, got \"" +
                                      base::to_valid_utf8(name) + "\""});
    }
    const auto* text = std::get_if<std::string>(&value);
    const auto* texts = std::get_if<std::vector<std::string>>(&value);
    const bool bad = (text && !http::is_header_value(*text)) ||
                     (texts && !std::all_of(texts->begin(), texts->end(), http::is_header_value));
    // The value may be a credential: it is not repeated.
    if (bad) {
      return unexpected(
          InvalidValue{"headers." + name, "must not hold line breaks or other control characters"});
    }
  }
  return {};
}

Json HttpHeaders::to_json() const {
  Json::Object object;
  object.reserve(entries_.size());
  for (const auto& [name, value] : entries_) {
    object.push_back({base::to_valid_utf8(name), value_to_json(value)});
  }
  return Json(std::move(object));
}

Result<HttpHeaders, InvalidValue> HttpHeaders::from_json(const Json& json) {
  HttpHeaders headers;
  if (json.is_null()) return headers;
  const Json::Object* object = json.if_object();
  if (!object) {
    return unexpected(
        InvalidValue{"headers", "must be an object, got " + std::string(json.type_name())});
  }
  for (const auto& [name, value] : *object) {
    auto read = read_value(value, "headers." + base::ascii_lower(name));
    if (!read) return unexpected(std::move(read.error()));
    headers.set(name, std::move(*read));
  }
  return headers;
}

}  // namespace patient_http
