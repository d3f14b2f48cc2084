#include "engine/sent_url.h"

#include <gtest/gtest.h>

namespace patient_http::engine {
namespace {

TEST(SentUrlTest, SplitsAUrl) {
  const SentUrl url("https://u:p@h:8443/a/b?c=/d?&e");
  EXPECT_EQ(url.origin, "https://u:p@h:8443");
  EXPECT_EQ(url.path, "/a/b");
  EXPECT_EQ(url.query, "c=/d?&e");
}

TEST(SentUrlTest, HasAPathAlways) {
  EXPECT_EQ(SentUrl("http://h").path, "/");
  EXPECT_EQ(SentUrl("http://h").query, "");
  EXPECT_EQ(SentUrl("http://h?a").origin, "http://h");
  EXPECT_EQ(SentUrl("http://h?a").path, "/");
  EXPECT_EQ(SentUrl("http://h?a").query, "a");
  EXPECT_EQ(SentUrl("http://h/?").query, "");
}

}  // namespace
}  // namespace patient_http::engine
