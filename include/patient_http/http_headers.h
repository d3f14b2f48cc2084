#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "patient_http/invalid_value.h"
#include "patient_http/json.h"
#include "patient_http/result.h"
#include "patient_http/secret_reference.h"

namespace patient_http {

// Header fields of a request or a response. Names are lower-cased and compared without case; the
// last write wins, at the place of the first.
//
// A value is a text, a reference to a secret, several texts (sent as a line each), or nothing
// (kept in JSON as null, and not sent).
class HttpHeaders {
 public:
  using Value =
      std::variant<std::monostate, std::string, SecretReference, std::vector<std::string>>;
  struct Entry {
    std::string name;
    Value value;

    bool operator==(const Entry&) const = default;
  };

  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<std::pair<std::string_view, Value>> entries);

  void set(std::string_view name, Value value);
  // Adds to what is there: "a" and "b" become "a,b" (RFC 9110 §5.3), as the Ruby gem joins them;
  // set-cookie, whose values hold commas, is joined by a line feed, as there.
  void append(std::string_view name, std::string_view value);
  // True when there was such a header.
  bool erase(std::string_view name);

  // Null when there is no such header; lives as long as the headers are unchanged.
  [[nodiscard]] const Value* find(std::string_view name) const noexcept;
  [[nodiscard]] bool contains(std::string_view name) const noexcept;
  // The text of a header; empty when there is none or when its value is no text.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;

  // A copy with the entries of `other` written over these.
  [[nodiscard]] HttpHeaders merge(const HttpHeaders& other) const;
  // A copy without the named headers.
  [[nodiscard]] HttpHeaders except(std::initializer_list<std::string_view> names) const;

  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  // Checks that names are tokens (RFC 9110 §5.6.2) and that no text holds CR, LF or another
  // control character but tab.
  [[nodiscard]] Result<void, InvalidValue> validate() const;

  // Bytes that are not UTF-8 become U+FFFD.
  [[nodiscard]] Json to_json() const;
  // Takes an object, or null for none. Numbers and booleans become their texts, arrays several
  // values. Names and values are not validated: responses hold what servers sent.
  [[nodiscard]] static Result<HttpHeaders, InvalidValue> from_json(const Json& json);

  bool operator==(const HttpHeaders&) const = default;

 private:
  std::vector<Entry> entries_;
};

}  // namespace patient_http
