#include "payload/marshal_string.h"

#include <cassert>
#include <cstdint>

#include "base/text.h"

namespace patient_http::payload {

namespace {

constexpr std::string_view kVersion("\x04\x08", 2);
// One instance variable, the symbol E, true: a string in UTF-8.
constexpr std::string_view kUtf8(
    "\x06:\x06"
    "ET",
    5);

void append_length(std::string& out, std::size_t length) {
  if (length == 0) {
    out += '\0';
  } else if (length <= 122) {
    out += static_cast<char>(length + 5);
  } else {
    std::string bytes;
    for (std::size_t rest = length; rest > 0; rest >>= 8) bytes += static_cast<char>(rest & 255);
    out += static_cast<char>(bytes.size());
    out += bytes;
  }
}

// Takes pieces from the front; once something is missing or wrong, nothing more comes.
class MarshalReader {
 public:
  explicit MarshalReader(std::string_view bytes) : rest_(bytes) {}

  bool skip(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  // A length or a count. A first byte of 1 to 4 says how many bytes follow, lowest first; one of
  // -1 to -4 or below starts a negative number, which is no length.
  std::optional<std::size_t> length() {
    if (rest_.empty()) return std::nullopt;
    const std::size_t first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    if (first >= 0x80) return std::nullopt;
    if (first > 4) return first - 5;
    const std::size_t count = first;
    if (rest_.size() < count) return std::nullopt;
    std::size_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      value |= std::size_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    }
    rest_.remove_prefix(count);
    return value;
  }

  // A length and as many bytes.
  std::optional<std::string_view> bytes() {
    const std::optional<std::size_t> size = length();
    if (!size || *size > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, *size);
    rest_.remove_prefix(*size);
    return taken;
  }

  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// The instance variable that names the encoding: `E` is true for UTF-8 and false for US-ASCII,
// `encoding` is the name of any other.
bool read_encoding(MarshalReader& reader, std::string_view text) {
  if (!reader.skip(":")) return false;
  const auto name = reader.bytes();
  if (name == "E") return reader.skip("T") || (reader.skip("F") && base::is_ascii(text));
  return name == "encoding" && reader.skip("\"") && reader.bytes() && base::is_ascii(text);
}

}  // namespace

bool is_marshal(std::string_view bytes) {
  return bytes.starts_with(kVersion);
}

std::string dump_marshal_string(std::string_view text) {
  assert(text.size() <= kMostMarshalBytes);
  constexpr std::size_t kMostAround = 16;
  std::string out;
  out.reserve(text.size() + kMostAround);
  out += kVersion;
  out += "I\"";
  append_length(out, text.size());
  out += text;
  out += kUtf8;
  return out;
}

std::optional<std::string_view> load_marshal_string(std::string_view bytes) {
  MarshalReader reader(bytes);
  if (!reader.skip(kVersion)) return std::nullopt;
  const bool has_variables = reader.skip("I");
  if (!reader.skip("\"")) return std::nullopt;
  const std::optional<std::string_view> text = reader.bytes();
  if (!text) return std::nullopt;
  if (has_variables) {
    const std::optional<std::size_t> count = reader.length();
    if (!count || *count > 1) return std::nullopt;
    if (*count == 1 && !read_encoding(reader, *text)) return std::nullopt;
  }
  if (!reader.is_at_end()) return std::nullopt;
  return text;
}

}  // namespace patient_http::payload
