#include "http/charset.h"

#include <gtest/gtest.h>

namespace patient_http::http {
namespace {

TEST(CharsetTest, KnowsRubysNamesInAnyCase) {
  for (const char* name :
       {"UTF-8",        "utf-8",   "BINARY", "ASCII-8BIT", "ISO-8859-1", "iso8859-15",
        "Windows-1252", "CP1258",  "IBM866", "Shift_JIS",  "SJIS",       "EUC-JP",
        "GBK",          "GB18030", "Big5",   "KOI8-R",     "UTF-16LE",   "UTF-32",
        "macCroatian",  "TIS-620", "CESU-8", "ASCII",      "locale"}) {
    EXPECT_TRUE(is_ruby_encoding(name)) << name;
  }
}

TEST(CharsetTest, KnowsNoOthers) {
  for (const char* name : {"", "utf8", "nope", "latin1", "iso-8859-12", "iso-8859-17",
                           "iso-8859-01", "windows-1259", "\"utf-8\""}) {
    EXPECT_FALSE(is_ruby_encoding(name)) << name;
  }
}

TEST(CharsetTest, TellsWhatANameSaysAboutBytes) {
  EXPECT_EQ(charset_kind("CP65001"), CharsetKind::kUtf8);
  EXPECT_EQ(charset_kind("us-ascii"), CharsetKind::kUsAscii);
  EXPECT_EQ(charset_kind("binary"), CharsetKind::kBinary);
  EXPECT_EQ(charset_kind("shift_jis"), CharsetKind::kAsciiCompatible);
  EXPECT_EQ(charset_kind("utf-16"), CharsetKind::kWide);
  EXPECT_EQ(charset_kind("bogus-99"), CharsetKind::kUnknown);
}

}  // namespace
}  // namespace patient_http::http
