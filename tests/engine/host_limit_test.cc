#include <gtest/gtest.h>

#include "patient_http/processor_options.h"

namespace patient_http {
namespace {

HostLimit limit(const char* host) {
  return {.host = host};
}

TEST(HostLimitTest, FitsOneHostOrAllBelowOne) {
  EXPECT_TRUE(limit("api.example.com").fits("api.example.com", 443));
  EXPECT_FALSE(limit("api.example.com").fits("api.example.com.evil", 443));
  EXPECT_FALSE(limit("api.example.com").fits("my.api.example.com", 443));
  EXPECT_TRUE(limit("*.example.com").fits("api.example.com", 443));
  EXPECT_TRUE(limit("*.example.com").fits("a.b.example.com", 443));
  EXPECT_FALSE(limit("*.example.com").fits("example.com", 443));
  EXPECT_FALSE(limit("*.example.com").fits("badexample.com", 443));
  EXPECT_FALSE(limit("*.example.com").fits(".example.com", 443));
}

TEST(HostLimitTest, FitsTheSameNameInOtherForms) {
  EXPECT_TRUE(limit("API.Example.com").fits("api.example.com", 443));
  EXPECT_TRUE(limit("*.Example.com").fits("api.example.com", 443));
  EXPECT_TRUE(limit("example.com").fits("example.com.", 443));
  EXPECT_TRUE(limit("example.com.:443").fits("example.com", 443));
  EXPECT_TRUE(limit("*.example.com").fits("api.example.com.", 443));
  EXPECT_FALSE(limit("*.example.com").fits("example.com.", 443));
}

TEST(HostLimitTest, FitsOnePortWhereOneIsGiven) {
  EXPECT_TRUE(limit("localhost:8080").fits("localhost", 8080));
  EXPECT_FALSE(limit("localhost:8080").fits("localhost", 80));
  EXPECT_TRUE(limit("*.example.com:8443").fits("a.example.com", 8443));
  EXPECT_TRUE(limit("[::1]").fits("::1", 80));
  EXPECT_TRUE(limit("[::1]:8080").fits("::1", 8080));
  EXPECT_FALSE(limit("[::1]:8080").fits("::1", 80));
}

TEST(HostLimitTest, TellsPatternsFromWhatIsNone) {
  for (const char* good :
       {"a", "A.b", "a.", "a.b-c.d", "10.0.0.1:1", "*.a", "[::1]", "[::1]:65535", "a_b.c"}) {
    EXPECT_TRUE(limit(good).is_valid()) << good;
  }
  for (const char* bad : {"", "*", "*.", "*a.b", "a.*", "a b", "a:0", "a:65536", "a:", "a:x", "::1",
                          "[::1", "[::1]x", "http://a", "a/b", ".a", "*..a", "[]"}) {
    EXPECT_FALSE(limit(bad).is_valid()) << bad;
  }
}

}  // namespace
}  // namespace patient_http
