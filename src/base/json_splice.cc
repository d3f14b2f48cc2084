#include "base/json_splice.h"

#include <cstddef>

#include "base/json_text.h"
#include "patient_http/json.h"

namespace patient_http::base {

namespace {

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Walks through the members of an object whose text is known to be valid.
class MemberWalk {
 public:
  explicit MemberWalk(std::string_view object) : text_(object) {
    skip_spaces();
    ++at_;  // '{'
  }

  // Goes to the next member; false at the end, where end() is the place of '}'.
  bool next() {
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == ',') ++at_;
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != '"') return false;
    key_ = value_span();
    skip_spaces();
    ++at_;  // ':'
    skip_spaces();
    value_ = value_span();
    return true;
  }

  [[nodiscard]] bool has_key(std::string_view key) const {
    const std::string_view quoted = text_.substr(key_.begin, key_.end - key_.begin);
    if (quoted.find('\\') == std::string_view::npos) {
      return quoted.substr(1, quoted.size() - 2) == key;
    }
    const auto parsed = Json::parse(quoted);
    return parsed && parsed->if_string() != nullptr && *parsed->if_string() == key;
  }
  [[nodiscard]] Span value() const { return value_; }
  [[nodiscard]] std::size_t end() const { return at_; }

 private:
  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  void skip_string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    ++at_;
  }

  Span value_span() {
    const std::size_t begin = at_;
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        skip_string();
        if (depth == 0) break;
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_space(c))) break;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
      if (depth == 0 && (c == '}' || c == ']')) break;
    }
    return {begin, at_};
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  Span key_;
  Span value_;
};

}  // namespace

std::optional<std::string_view> find_json_member(std::string_view object, std::string_view key) {
  std::optional<std::string_view> found;
  MemberWalk walk(object);
  while (walk.next()) {
    if (!walk.has_key(key)) continue;
    found = object.substr(walk.value().begin, walk.value().end - walk.value().begin);
  }
  return found;
}

void set_json_member(std::string& object, std::string_view key, std::string_view value) {
  std::optional<Span> old;
  bool is_empty = true;
  MemberWalk walk(object);
  while (walk.next()) {
    is_empty = false;
    if (walk.has_key(key)) old = walk.value();
  }
  if (old) {
    object.replace(old->begin, old->end - old->begin, value);
    return;
  }
  std::string member = is_empty ? "" : ",";
  append_json_string(member, key);
  member.append(":").append(value);
  object.insert(walk.end(), member);
}

}  // namespace patient_http::base
