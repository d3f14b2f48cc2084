#include "http/request_url.h"

#include <gtest/gtest.h>

namespace patient_http::http {
namespace {

std::string url(std::string_view text) {
  const auto result = request_url(text);
  return result ? *result : "refused: " + result.error().message;
}

std::string resolved(const std::string& base, std::string_view reference) {
  const auto result = resolve_request_url(base, reference);
  return result ? *result : "refused: " + result.error().message;
}

TEST(RequestUrlTest, WritesUrlsAsRubysUriDoes) {
  EXPECT_EQ(url("HTTP://EXAMPLE.com:80/A"), "http://EXAMPLE.com/A");
  EXPECT_EQ(url("https://h:443"), "https://h");
  EXPECT_EQ(url("https://h:/x"), "https://h/x");
  EXPECT_EQ(url("https://h:8443/x?"), "https://h:8443/x?");
  EXPECT_EQ(url("http://u:p@h:80/x#f"), "http://u:p@h/x#f");
  EXPECT_EQ(url("http://[::1]:80/"), "http://[::1]/");
  EXPECT_EQ(url("http://[::1]/"), "http://[::1]/");
  EXPECT_EQ(url("http://u:p@h/"), "http://u:p@h/");
}

TEST(RequestUrlTest, KeepsAQueryAsItIs) {
  EXPECT_EQ(url("http://h/x?q=a%20b+c&ids[]=1&z=%C3%A9"), "http://h/x?q=a%20b+c&ids[]=1&z=%C3%A9");
  EXPECT_EQ(url("http://h/x?q=a b\"'"), "http://h/x?q=a%20b%22%27");
  EXPECT_EQ(url("http://h?u=http://a:80/@b"), "http://h?u=http://a:80/@b");
}

TEST(RequestUrlTest, RefusesWhatRubyRefuses) {
  EXPECT_EQ(url(""), "refused: is required");
  for (const char* bad : {"http://h/a b", "http://h/%zz", "http://h/\xc3\xa9", "http://h/x#a b",
                          "http://h/x#a#b", "http://h/[x]"}) {
    EXPECT_THAT(url(bad), testing::StartsWith("refused: ")) << bad;
  }
}

TEST(RequestUrlTest, RefusesWhatCouldNotBeSent) {
  for (const char* bad : {"/path", "h/x", "ftp://h/x", "mailto:a@b", "http://", "http://h/\r\nx",
                          "http://h:0/", "http://h/x?a=\n"}) {
    EXPECT_THAT(url(bad), testing::StartsWith("refused: must be an absolute")) << bad;
  }
}

TEST(RequestUrlTest, NeverRepeatsAQueryOrCredentials) {
  EXPECT_EQ(
      url("ftp://u:s3cret@h/x?k=s3cret"),
      "refused: must be an absolute http or https url, got ftp://h/x: its scheme must be http "
      "or https");
}

TEST(RequestUrlTest, ResolvesReferences) {
  EXPECT_EQ(resolved("https://h/v1/", "x"), "https://h/v1/x");
  EXPECT_EQ(resolved("https://h/v1", "x?a[]=1#f"), "https://h/x?a[]=1#f");
  EXPECT_EQ(resolved("https://h/v1/", "/x"), "https://h/x");
  EXPECT_EQ(resolved("https://h/v1/", "../x"), "https://h/x");
  EXPECT_EQ(resolved("https://h", "x"), "https://h/x");
  EXPECT_EQ(resolved("https://h/v1?q=1#f", ""), "https://h/v1?q=1");
  EXPECT_EQ(resolved("https://h/v1?q=1", "?z=2"), "https://h/v1?z=2");
  EXPECT_EQ(resolved("https://h/v1?q=1", "#f"), "https://h/v1?q=1#f");
  EXPECT_EQ(resolved("https://h/v1", "//other/p"), "https://other/p");
  EXPECT_EQ(resolved("https://h/v1", "HTTP://Other:80/p"), "http://Other/p");
  EXPECT_THAT(resolved("https://h/v1", "a b"), testing::StartsWith("refused: "));
  EXPECT_THAT(resolved("https://h/v1", "mailto:a@b"), testing::StartsWith("refused: "));
}

}  // namespace
}  // namespace patient_http::http
