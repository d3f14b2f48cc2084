#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "patient_http/result.h"

namespace patient_http {

// A JSON value that survives a round trip: numbers keep the text they came with (30.50, integers
// of any size), objects keep the order of their members. Of a doubled key the last value counts,
// at the place of the first, as Ruby reads it.
//
// dump() writes what Ruby's JSON.generate writes: no spaces; only '"', '\\' and control characters
// are escaped; floats have the shortest digits that read back, and always a point.
//
// A plain value: copies are independent, and one object may be read from several threads.
class Json {
 public:
  struct Member;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;

  // The deepest nesting that parse() accepts, as in Ruby.
  static constexpr std::size_t kMaxDepth = 100;

  Json() noexcept;
  Json(std::nullptr_t) noexcept : Json() {}
  Json(bool value) noexcept;
  template <std::integral T>
  requires(!std::same_as<T, bool>) Json(T value) : Json(from_integer(value)) {}
  // Throws std::invalid_argument for NaN and infinities, which JSON cannot express.
  Json(double value);
  Json(const char* value);
  Json(std::string value) noexcept;
  Json(std::string_view value);
  Json(Array value) noexcept;
  Json(Object value) noexcept;

  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();

  static Json object(std::initializer_list<std::pair<std::string, Json>> members);
  static Json array(std::initializer_list<Json> elements);

  // Strict RFC 8259 text, UTF-8, one value with nothing after it. The failure names the place.
  [[nodiscard]] static Result<Json> parse(std::string_view text);

  [[nodiscard]] std::string dump() const;
  void dump_to(std::string& out) const;

  [[nodiscard]] bool is_null() const noexcept;
  [[nodiscard]] bool is_bool() const noexcept;
  [[nodiscard]] bool is_number() const noexcept;
  [[nodiscard]] bool is_integer() const noexcept;  // a number without fraction and exponent
  [[nodiscard]] bool is_string() const noexcept;
  [[nodiscard]] bool is_array() const noexcept;
  [[nodiscard]] bool is_object() const noexcept;
  // "null", "boolean", "integer", "float", "string", "array" or "object", for messages.
  [[nodiscard]] std::string_view type_name() const noexcept;

  // Null when the value is of another type; the pointer lives as long as this value is unchanged.
  [[nodiscard]] const bool* if_bool() const noexcept;
  [[nodiscard]] const std::string* if_string() const noexcept;
  [[nodiscard]] const Array* if_array() const noexcept;
  [[nodiscard]] const Object* if_object() const noexcept;
  [[nodiscard]] Array* if_array() noexcept;
  [[nodiscard]] Object* if_object() noexcept;

  // The number's own text, or empty when this is no number.
  [[nodiscard]] std::string_view number_text() const noexcept;
  // Empty when this is no integer, or one that does not fit.
  [[nodiscard]] std::optional<std::int64_t> to_int64() const noexcept;
  // Empty when this is no number.
  [[nodiscard]] std::optional<double> to_double() const noexcept;

  // The member of that name, or null when there is none or this is no object.
  [[nodiscard]] const Json* find(std::string_view key) const noexcept;
  [[nodiscard]] Json* find(std::string_view key) noexcept;
  // Sets or appends a member. REQUIRES: is_object().
  void set(std::string_view key, Json value);

  // Same types, same texts, members in the same order.
  bool operator==(const Json& other) const;

 private:
  struct Number {
    std::string text;
    bool operator==(const Number&) const = default;
  };
  friend class JsonBuilder;

  template <class T>
  static Json from_integer(T value) {
    return from_number_text(std::to_string(value));
  }
  static Json from_number_text(std::string text);

  std::variant<std::monostate, bool, Number, std::string, Array, Object> value_;
};

struct Json::Member {
  std::string key;
  Json value;

  bool operator==(const Member&) const = default;
};

}  // namespace patient_http
