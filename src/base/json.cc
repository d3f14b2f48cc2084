#include "patient_http/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <unordered_map>

#include "base/json_text.h"

namespace patient_http {

namespace {

// Ruby keeps the last of doubled keys, at the place of the first.
void drop_doubled_keys(Json::Object& object) {
  constexpr std::size_t kSmall = 8;
  std::size_t kept = 0;
  std::unordered_map<std::string, std::size_t> places;
  if (object.size() > kSmall) places.reserve(object.size());
  for (std::size_t i = 0; i < object.size(); ++i) {
    std::size_t earlier = kept;
    if (object.size() > kSmall) {
      auto [it, fresh] = places.try_emplace(object[i].key, kept);
      if (!fresh) earlier = it->second;
    } else {
      for (std::size_t j = 0; j < kept; ++j) {
        if (object[j].key == object[i].key) earlier = j;
      }
    }
    if (earlier != kept) {
      object[earlier].value = std::move(object[i].value);
      continue;
    }
    if (kept != i) object[kept] = std::move(object[i]);
    ++kept;
  }
  object.resize(kept);
}

}  // namespace

// The handler of Boost.JSON's parser: builds our values, with the numbers' own texts.
class JsonBuilder {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  using error_code = boost::json::error_code;
  using text = boost::json::string_view;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code&) { return open(Json(Json::Array())); }
  bool on_array_end(std::size_t, error_code&) { return close(); }
  bool on_object_begin(error_code&) { return open(Json(Json::Object())); }
  bool on_object_end(std::size_t, error_code&) {
    drop_doubled_keys(*open_.back().value.if_object());
    return close();
  }
  bool on_string_part(text part, std::size_t, error_code&) { return collect(part); }
  bool on_string(text rest, std::size_t, error_code&) {
    collect(rest);
    return add(Json(take()));
  }
  bool on_key_part(text part, std::size_t, error_code&) { return collect(part); }
  bool on_key(text rest, std::size_t, error_code&) {
    collect(rest);
    open_.back().key = take();
    return true;
  }
  bool on_number_part(text part, error_code&) { return collect(part); }
  bool on_int64(std::int64_t, text rest, error_code&) { return number(rest); }
  bool on_uint64(std::uint64_t, text rest, error_code&) { return number(rest); }
  bool on_double(double, text rest, error_code&) { return number(rest); }
  bool on_bool(bool value, error_code&) { return add(Json(value)); }
  bool on_null(error_code&) { return add(Json()); }
  bool on_comment_part(text, error_code&) { return true; }
  bool on_comment(text, error_code&) { return true; }

  Json result() { return std::move(result_); }

 private:
  struct Open {
    Json value;
    std::string key;  // of the member that comes next
  };

  bool collect(text part) {
    pending_.append(part.data(), part.size());
    return true;
  }
  std::string take() { return std::exchange(pending_, std::string()); }
  bool number(text rest) {
    collect(rest);
    return add(Json::from_number_text(take()));
  }
  bool open(Json container) {
    open_.push_back(Open{std::move(container), {}});
    return true;
  }
  bool close() {
    Json done = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(done));
  }
  bool add(Json value) {
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (auto* array = open_.back().value.if_array()) {
      array->push_back(std::move(value));
    } else {
      Json::Object& object = *open_.back().value.if_object();
      if (object.empty()) object.reserve(4);  // rather than grow by one at first
      object.push_back({std::move(open_.back().key), std::move(value)});
    }
    return true;
  }

  std::vector<Open> open_;
  std::string pending_;
  Json result_;
};

Json::Json() noexcept = default;
Json::Json(bool value) noexcept : value_(value) {}
Json::Json(const char* value) : value_(std::string(value)) {}
Json::Json(std::string value) noexcept : value_(std::move(value)) {}
Json::Json(std::string_view value) : value_(std::string(value)) {}
Json::Json(Array value) noexcept : value_(std::move(value)) {}
Json::Json(Object value) noexcept : value_(std::move(value)) {}
Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;

Json::Json(double value) {
  if (!std::isfinite(value)) {
    throw std::invalid_argument("a JSON number must be finite, got NaN or an infinity");
  }
  value_ = Number{base::ruby_float(value)};
}

Json Json::from_number_text(std::string text) {
  Json json;
  json.value_ = Number{std::move(text)};
  return json;
}

Json Json::object(std::initializer_list<std::pair<std::string, Json>> members) {
  Object object;
  object.reserve(members.size());
  for (const auto& [key, value] : members) object.push_back({key, value});
  drop_doubled_keys(object);
  return Json(std::move(object));
}

Json Json::array(std::initializer_list<Json> elements) {
  return Json(Array(elements));
}

Result<Json> Json::parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::basic_parser<JsonBuilder> parser(options);
  boost::json::error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (!error && read < text.size())
    error = boost::json::make_error_code(boost::json::error::extra_data);
  if (error == boost::json::error::incomplete) {
    return failure("invalid JSON: it ends too early, after " + std::to_string(text.size()) +
                   " bytes");
  }
  if (error) {
    return failure("invalid JSON at byte " + std::to_string(read) + ": " + error.message());
  }
  return parser.handler().result();
}

std::string Json::dump() const {
  std::string out;
  dump_to(out);
  return out;
}

void Json::dump_to(std::string& out) const {
  if (is_null()) {
    out += "null";
  } else if (const bool* flag = if_bool()) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<Number>(&value_)) {
    out += number->text;
  } else if (const auto* text = if_string()) {
    base::append_json_string(out, *text);
  } else if (const auto* array = if_array()) {
    out += '[';
    bool first = true;
    for (const Json& element : *array) {
      if (!std::exchange(first, false)) out += ',';
      element.dump_to(out);
    }
    out += ']';
  } else if (const auto* members = if_object()) {
    out += '{';
    bool first = true;
    for (const Member& member : *members) {
      if (!std::exchange(first, false)) out += ',';
      base::append_json_string(out, member.key);
      out += ':';
      member.value.dump_to(out);
    }
    out += '}';
  }
}

bool Json::is_null() const noexcept {
  return std::holds_alternative<std::monostate>(value_);
}
bool Json::is_bool() const noexcept {
  return std::holds_alternative<bool>(value_);
}
bool Json::is_number() const noexcept {
  return std::holds_alternative<Number>(value_);
}
bool Json::is_integer() const noexcept {
  return is_number() && number_text().find_first_of(".eE") == std::string_view::npos;
}
bool Json::is_string() const noexcept {
  return std::holds_alternative<std::string>(value_);
}
bool Json::is_array() const noexcept {
  return std::holds_alternative<Array>(value_);
}
bool Json::is_object() const noexcept {
  return std::holds_alternative<Object>(value_);
}

std::string_view Json::type_name() const noexcept {
  if (is_null()) return "null";
  if (is_bool()) return "boolean";
  if (is_number()) return is_integer() ? "integer" : "float";
  if (is_string()) return "string";
  return is_array() ? "array" : "object";
}

const bool* Json::if_bool() const noexcept {
  return std::get_if<bool>(&value_);
}
const std::string* Json::if_string() const noexcept {
  return std::get_if<std::string>(&value_);
}
const Json::Array* Json::if_array() const noexcept {
  return std::get_if<Array>(&value_);
}
const Json::Object* Json::if_object() const noexcept {
  return std::get_if<Object>(&value_);
}
Json::Array* Json::if_array() noexcept {
  return std::get_if<Array>(&value_);
}
Json::Object* Json::if_object() noexcept {
  return std::get_if<Object>(&value_);
}

std::string_view Json::number_text() const noexcept {
  const auto* number = std::get_if<Number>(&value_);
  return number ? std::string_view(number->text) : std::string_view();
}

std::optional<std::int64_t> Json::to_int64() const noexcept {
  const std::string_view text = number_text();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> Json::to_double() const noexcept {
  const std::string_view text = number_text();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

const Json* Json::find(std::string_view key) const noexcept {
  const auto* members = if_object();
  if (!members) return nullptr;
  for (const Member& member : *members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

Json* Json::find(std::string_view key) noexcept {
  return const_cast<Json*>(std::as_const(*this).find(key));
}

void Json::set(std::string_view key, Json value) {
  auto& members = std::get<Object>(value_);
  for (Member& member : members) {
    if (member.key == key) {
      member.value = std::move(value);
      return;
    }
  }
  members.push_back({std::string(key), std::move(value)});
}

bool Json::operator==(const Json& other) const {
  return value_ == other.value_;
}

}  // namespace patient_http
