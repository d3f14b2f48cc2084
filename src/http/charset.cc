#include "http/charset.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace patient_http::http {

namespace {

// The encodings of Ruby 3.1 to 3.4 and their aliases, in lower case; runs of numbers are in
// is_numbered().
// clang-format off
constexpr std::array kAsciiCompatible = std::to_array<std::string_view>({
    "big5", "big5-hkscs", "big5-hkscs:2008", "big5-uao", "cesu-8", "cp437", "cp51932", "cp737",
    "cp775", "cp850", "cp852", "cp855", "cp857", "cp869", "cp874", "cp878", "cp932", "cp936",
    "cp949", "cp950", "cp951", "csshiftjis", "cswindows31j", "emacs-mule", "euc-cn", "euc-jis-2004",
    "euc-jisx0213", "euc-jp", "euc-jp-ms", "euc-kr", "euc-tw", "euccn", "eucjp", "eucjp-ms",
    "euckr", "euctw", "external", "filesystem", "gb12345", "gb18030", "gb1988", "gb2312", "gbk",
    "ibm437", "ibm720", "cp720", "ibm737", "ibm775", "ibm850", "ibm852", "ibm855", "ibm857",
    "ibm869", "koi8-r", "koi8-u", "locale", "maccenteuro", "maccroatian", "maccyrillic", "macgreek",
    "maciceland", "macjapan", "macjapanese", "macroman", "macromania", "macthai", "macturkish",
    "macukraine", "pck", "shift_jis", "sjis", "sjis-docomo", "sjis-kddi", "sjis-softbank",
    "stateless-iso-2022-jp", "stateless-iso-2022-jp-kddi", "tis-620", "utf-8-hfs", "utf-8-mac",
    "utf8-docomo", "utf8-kddi", "utf8-mac", "utf8-softbank", "windows-31j", "windows-874",
});
constexpr std::array kWide = std::to_array<std::string_view>({
    "cp50220", "cp50221", "cp65000", "ebcdic-cp-us", "ibm037", "iso-2022-jp", "iso-2022-jp-2",
    "iso-2022-jp-kddi", "iso2022-jp", "iso2022-jp2", "ucs-2be", "ucs-4be", "ucs-4le", "utf-16",
    "utf-16be", "utf-16le", "utf-32", "utf-32be", "utf-32le", "utf-7",
});
// clang-format on

template <std::size_t N>
bool is_in(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether `name` is `prefix` and a number from `first` to `last`.
bool is_numbered(std::string_view name, std::string_view prefix, int first, int last) {
  if (!name.starts_with(prefix)) return false;
  for (int number = first; number <= last; ++number) {
    if (name.substr(prefix.size()) == std::to_string(number)) return true;
  }
  return false;
}

}  // namespace

CharsetKind charset_kind(std::string_view name) {
  const std::string lower = base::ascii_lower(name);
  if (lower == "utf-8" || lower == "cp65001") return CharsetKind::kUtf8;
  if (lower == "us-ascii" || lower == "ascii" || lower == "646" || lower == "ansi_x3.4-1968") {
    return CharsetKind::kUsAscii;
  }
  if (lower == "ascii-8bit" || lower == "binary") return CharsetKind::kBinary;
  if (is_in(kWide, lower)) return CharsetKind::kWide;
  // ISO-8859-12 was never finished.
  const bool is_iso =
      (is_numbered(lower, "iso-8859-", 1, 16) || is_numbered(lower, "iso8859-", 1, 16)) &&
      !lower.ends_with("-12");
  if (is_iso || is_numbered(lower, "windows-", 1250, 1258) ||
      is_numbered(lower, "cp", 1250, 1258) || is_numbered(lower, "ibm", 860, 866) ||
      is_numbered(lower, "cp", 860, 866) || is_in(kAsciiCompatible, lower)) {
    return CharsetKind::kAsciiCompatible;
  }
  return CharsetKind::kUnknown;
}

}  // namespace patient_http::http
