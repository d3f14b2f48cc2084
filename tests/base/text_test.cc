#include "base/text.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/comma_locale.h"

namespace patient_http::base {
namespace {

TEST(TextTest, RecognisesWellFormedUtf8) {
  for (const char* good :
       {"", "abc", "\xc3\xa9", "\xe2\x98\x83", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  }
  for (const char* bad : {"\xff", "\xc3", "\xe9t\xe9", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xf0\x8f\xbf\xbf", "\x80"}) {
    EXPECT_FALSE(is_valid_utf8(bad));
  }
}

TEST(TextTest, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(to_valid_utf8("caf\xe9"), "caf\xef\xbf\xbd");
  EXPECT_EQ(to_valid_utf8("\xff\xfe-\xc3\xa9"), "\xef\xbf\xbd-\xc3\xa9");
  EXPECT_EQ(to_valid_utf8("plain"), "plain");
}

TEST(TextTest, EncodesAndDecodesBase64) {
  // The test vectors of RFC 4648 §10.
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64_encode(plain), encoded);
    EXPECT_EQ(base64_decode(encoded), plain);
  }
  EXPECT_EQ(base64_decode("Zm9v\nYmFy\n"), "foobar");
  for (const char* bad : {"Z", "Zm9v=", "Zg=", "Z=m9", "Zm9*", "===="}) {
    EXPECT_EQ(base64_decode(bad), std::nullopt) << bad;
  }
}

TEST(TextTest, ComparesAndTrimsAscii) {
  EXPECT_TRUE(ascii_equal_ignoring_case("Content-TYPE", "content-type"));
  EXPECT_FALSE(ascii_equal_ignoring_case("a", "ab"));
  EXPECT_EQ(ascii_lower("ÄbC"), "Äbc");
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
}

TEST(TextTest, ReadsBase64AsLenientlyAsRuby) {
  EXPECT_EQ(base64_decode_lenient("aGVs\nbG8="), "hello");
  EXPECT_EQ(base64_decode_lenient("AA EC\n!!"), std::string("\0\1\2", 3));
  EXPECT_EQ(base64_decode_lenient("aGVsbG8"), "hello");
  EXPECT_EQ(base64_decode_lenient("aGVsb"), "hel");
  EXPECT_EQ(base64_decode_lenient("aGU=bG8="), "he");
  EXPECT_EQ(base64_decode_lenient(""), "");
}

TEST(TextTest, WritesAndReadsNumbersWithAPointWhateverTheLocale) {
  const test::CommaLocale locale;
  EXPECT_EQ(fixed_number(1.5, 3), "1.500");
  EXPECT_EQ(fixed_number(-0.0625, 2), "-0.06");
  EXPECT_EQ(fixed_number(std::numeric_limits<double>::max(), 9).size(), 319U);
  EXPECT_EQ(leading_number("1.5"), 1.5);
  EXPECT_EQ(leading_number("-2e3 s"), -2000);
  EXPECT_EQ(leading_number("s"), 0);
}

}  // namespace
}  // namespace patient_http::base
