#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "patient_http/http_headers.h"
#include "patient_http/json.h"
#include "patient_http/request.h"

namespace patient_http::golden {

// One recorded call of the original, and what DEVIATIONS.json says about it.
class Case {
 public:
  // Both must outlive the object; `deviation` is null when there is none.
  Case(const Json& recorded, const Json* deviation) : recorded_(recorded), deviation_(deviation) {}

  [[nodiscard]] const Json& input() const { return member("input"); }
  [[nodiscard]] const Json& output() const { return member("output"); }
  // A member of the output; null when there is none.
  [[nodiscard]] const Json& output(std::string_view key) const;

  // What DEVIATIONS.json expects: "payload", "rejected", "own", …; empty when nothing deviates.
  [[nodiscard]] std::string_view expect() const;
  // A member of the deviation, or null.
  [[nodiscard]] const Json* deviation(std::string_view key) const;
  // Whether the call raised, or should have.
  [[nodiscard]] bool must_be_rejected() const;

 private:
  [[nodiscard]] const Json& member(std::string_view key) const;

  const Json& recorded_;
  const Json* deviation_;
};

// What differed in one case.
class Differences {
 public:
  void add(std::string what);
  // Members of objects may come in any order, gzipped payloads are compared inflated.
  void expect_equal(std::string_view what, const Json& wanted, const Json& got);
  // Byte for byte, but for gzipped payloads.
  void expect_same_text(std::string_view what, std::string_view wanted, std::string_view got);

  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// For messages: at most some 100 bytes of `text`.
[[nodiscard]] std::string shortened(std::string_view text);

// The member, or null.
[[nodiscard]] const Json& at(const Json& object, std::string_view key);
[[nodiscard]] std::string text_of(const Json& json);  // "" when it is no text

// The bytes of `{"b64": …}`; none for null.
[[nodiscard]] std::optional<std::string> bytes_of(const Json& json);

// The options of Request.new and of a template's verbs: url (or path), headers, params, body,
// body_b64, json, timeout, max_redirects, preprocessors. Empty when one is of the wrong type.
[[nodiscard]] std::optional<RequestOptions> read_options(const Json& input);

// A number of seconds as the original was given it: 30 or 30.0.
[[nodiscard]] std::optional<Timeout> read_timeout(const Json& json);

}  // namespace patient_http::golden
