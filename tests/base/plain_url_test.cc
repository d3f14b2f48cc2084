#include "base/plain_url.h"

#include <gtest/gtest.h>

#include "base/url.h"

namespace patient_http::base {
namespace {

TEST(PlainUrlTest, ReadsTheUrlsThatNearlyAllAre) {
  const auto url = read_plain_url("https://api.example.com:8443/v1/a_b/~c:d,e?x=1&y=a+b/c?");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "api.example.com");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/v1/a_b/~c:d,e");
  EXPECT_EQ(url->query, "?x=1&y=a+b/c?");
  EXPECT_EQ(read_plain_url("http://h")->port, 80);
  EXPECT_EQ(read_plain_url("https://h?q")->query, "?q");
}

TEST(PlainUrlTest, LeavesAllOthersToThoseWhoKnowThem) {
  for (const char* text : {"",
                           "http:",
                           "http://",
                           "http:///x",
                           "HTTP://h/",
                           "http://H/",
                           "ftp://h/",
                           "//h/",
                           "/x",
                           "http://u@h/",
                           "http://u:p@h/",
                           "http://h:80/",
                           "https://h:443/",
                           "http://h:/",
                           "http://h:08/",
                           "http://h:0/",
                           "http://h:65536/",
                           "http://h:x/",
                           "http://[::1]/",
                           "http://h/%41",
                           "http://h/a b",
                           "http://h/#f",
                           "http://h#f",
                           "http://h/[",
                           "http://h_/",
                           "http://h\\x/",
                           "http://h/\xc3\xa9",
                           "http://h/a\rb",
                           "http://h/?a[]=1",
                           "http://h,x/",
                           "http://1.2.3.4.5/",
                           "http://01.2.3.4/",
                           "http://1.2.3/",
                           "http://1.2.3.256/",
                           "http://1.2.3.4./",
                           "http://1/",
                           "http://.../"}) {
    EXPECT_FALSE(read_plain_url(text).has_value()) << text;
  }
}

// A scheme in capitals is read the long way.
TEST(PlainUrlTest, SeesWhatTheLongWaySees) {
  for (const std::string text :
       {"http://h", "http://h/", "http://h?", "http://h?a=b", "http://h//x/../y/.",
        "http://1.2.3.4/", "http://255.0.10.1/", "http://a.1b/", "http://-/", "http://h:1/:80",
        "http://h:65535/@", "http://1.2.3.4.b/", "http://1.2.3.4b/c", "http://h/a:b/c,d?e?f/g"}) {
    const auto url = Url::parse(text);
    const auto other = Url::parse("H" + text.substr(1));
    ASSERT_TRUE(url && other) << text;
    EXPECT_EQ(url->origin(), other->origin()) << text;
    EXPECT_EQ(url->target(), other->target()) << text;
    EXPECT_EQ(url->text(), text);
  }
}

}  // namespace
}  // namespace patient_http::base
