#include "http/retry_after.h"

#include <gtest/gtest.h>

#include <string>

namespace patient_http::http {
namespace {

using std::chrono::system_clock;
using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

// Sun, 06 Nov 1994 08:49:37 GMT
constexpr auto kNow = system_clock::time_point(784111777s);

std::optional<Seconds> parse(std::string_view text) {
  return parse_retry_after(text, kNow);
}

TEST(RetryAfterTest, ReadsSeconds) {
  EXPECT_EQ(parse("0"), Seconds{0});
  EXPECT_EQ(parse("120"), Seconds{120});
  EXPECT_EQ(parse(" 007 "), Seconds{7});
}

TEST(RetryAfterTest, ReadsADateFromNowOn) {
  EXPECT_EQ(parse("Sun, 06 Nov 1994 08:49:37 GMT"), Seconds{0});
  EXPECT_EQ(parse("Sun, 06 Nov 1994 08:51:37 GMT"), Seconds{120});
  EXPECT_EQ(parse("Wed, 29 Feb 1996 00:00:00 GMT"), Seconds{41'440'223});
  EXPECT_EQ(parse("Sun, 06 Nov 1994 08:50:60 GMT"), Seconds{83});  // a leap second
}

TEST(RetryAfterTest, TakesADateThatIsPastAsNow) {
  EXPECT_EQ(parse("Sat, 05 Nov 1994 08:49:37 GMT"), Seconds{0});
  EXPECT_EQ(parse("Thu, 01 Jan 0001 00:00:00 GMT"), Seconds{0});
}

TEST(RetryAfterTest, HoldsWhatIsLongerToACentury) {
  const Seconds century{100 * 365.25 * 24 * 3600};
  EXPECT_EQ(parse(std::string(400, '9')), century);
  EXPECT_EQ(parse("9999999999"), century);
  EXPECT_EQ(parse("Fri, 31 Dec 9999 23:59:59 GMT"), century);
}

TEST(RetryAfterTest, TakesNothingElse) {
  for (const char* text : {"",
                           " ",
                           "-1",
                           "+1",
                           "1.5",
                           "1 2",
                           "0x10",
                           "soon",
                           "5m",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994",
                           "Xyz, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06 nov 1994 08:49:37 GMT",
                           "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:00 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Sun, +6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov -994 08:49:37 GMT",
                           "Sun,  6 Nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(parse(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace patient_http::http
