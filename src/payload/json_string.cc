#include "payload/json_string.h"

#include <algorithm>
#include <cstdint>

#include "base/json_text.h"
#include "base/text.h"

namespace patient_http::payload {

namespace {

bool is_escaped(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' ||
         c == '&' || c == '\xe2';
}

// Appends the character at the front of `rest`, and gives the number of its bytes.
std::size_t append_escaped(std::string& out, std::string_view rest) {
  switch (rest.front()) {
    case '<':
      out += "\\u003c";
      return 1;
    case '>':
      out += "\\u003e";
      return 1;
    case '&':
      out += "\\u0026";
      return 1;
    case '\xe2': {
      const bool is_line_separator = rest.starts_with("\xe2\x80\xa8");
      if (!is_line_separator && !rest.starts_with("\xe2\x80\xa9")) break;
      out += is_line_separator ? "\\u2028" : "\\u2029";
      return 3;
    }
    default: {
      const std::string quoted = base::json_string(rest.substr(0, 1));
      out.append(quoted, 1, quoted.size() - 2);
      return 1;
    }
  }
  out += rest.front();
  return 1;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto add = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  const auto add_tail = [&](int shift) { add(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xc0 | code >> 6);
    add_tail(0);
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    add_tail(6);
    add_tail(0);
  } else {
    add(0xf0 | code >> 18);
    add_tail(12);
    add_tail(6);
    add_tail(0);
  }
}

// The characters between the quotes.
class JsonStringReader {
 public:
  explicit JsonStringReader(std::string_view rest) : rest_(rest) {}

  // False when something there is not allowed.
  bool read(std::string& out) {
    while (!rest_.empty()) {
      const std::size_t plain = rest_.find_first_of("\\\"");
      const std::string_view copied = rest_.substr(0, plain);
      for (const char c : copied) {
        if (static_cast<unsigned char>(c) < 0x20) return false;
      }
      out += copied;
      rest_.remove_prefix(copied.size());
      if (!rest_.empty() && !read_escape(out)) return false;
    }
    return true;
  }

 private:
  bool read_escape(std::string& out) {
    if (rest_.size() < 2 || rest_[0] != '\\') return false;
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kCharacters = "\"\\/\b\f\n\r\t";
    const char name = rest_[1];
    rest_.remove_prefix(2);
    if (name == 'u') return read_code(out);
    const std::size_t known = kNames.find(name);
    if (known == std::string_view::npos) return false;
    out += kCharacters[known];
    return true;
  }

  bool read_code(std::string& out) {
    std::optional<std::uint32_t> code = read_digits();
    if (code && *code >= 0xd800 && *code < 0xdc00) {
      // The first half of a pair; the second must follow.
      if (!rest_.starts_with("\\u")) return false;
      rest_.remove_prefix(2);
      const std::optional<std::uint32_t> second = read_digits();
      if (!second || *second < 0xdc00 || *second >= 0xe000) return false;
      code = 0x10000 + ((*code - 0xd800) << 10) + (*second - 0xdc00);
    } else if (code && *code >= 0xdc00 && *code < 0xe000) {
      return false;
    }
    if (!code) return false;
    append_utf8(out, *code);
    return true;
  }

  std::optional<std::uint32_t> read_digits() {
    constexpr std::size_t kDigits = 4;
    if (rest_.size() < kDigits) return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : rest_.substr(0, kDigits)) {
      std::uint32_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<std::uint32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<std::uint32_t>(c - 'a') + 10;
      } else if (c >= 'A' && c <= 'F') {
        digit = static_cast<std::uint32_t>(c - 'A') + 10;
      } else {
        return std::nullopt;
      }
      value = value << 4 | digit;
    }
    rest_.remove_prefix(kDigits);
    return value;
  }

  std::string_view rest_;
};

}  // namespace

std::string dump_json_string(std::string_view text) {
  // All the room at once: growing would leave copies behind.
  constexpr std::size_t kMostAdded = 5;
  const auto escaped = std::count_if(text.begin(), text.end(), is_escaped);
  std::string out;
  out.reserve(text.size() + static_cast<std::size_t>(escaped) * kMostAdded + 2);
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    if (is_escaped(text[i])) {
      i += append_escaped(out, text.substr(i));
    } else {
      out += text[i++];
    }
  }
  out += '"';
  return out;
}

std::optional<std::string> load_json_string(std::string_view json) {
  json = base::trim(json);
  if (json.size() < 2 || json.front() != '"' || json.back() != '"') return std::nullopt;
  if (!base::is_valid_utf8(json)) return std::nullopt;
  std::string text;
  text.reserve(json.size());
  if (!JsonStringReader(json.substr(1, json.size() - 2)).read(text)) return std::nullopt;
  return text;
}

}  // namespace patient_http::payload
