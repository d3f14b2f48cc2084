#include "drivers/codec/gzip.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace patient_http::codec {
namespace {

TEST(GzipTest, RoundTrips) {
  for (const std::string& text :
       {std::string(), std::string("x"), std::string(100000, 'a'), std::string("\0\xff\n", 3)}) {
    EXPECT_EQ(gunzip(gzip(text), text.size()), text);
  }
}

TEST(GzipTest, GivesEqualBytesForEqualData) {
  EXPECT_EQ(gzip("the same"), gzip("the same"));
}

TEST(GzipTest, RefusesMoreThanTheLimit) {
  const std::string zipped = gzip(std::string(20000, 'a'));
  EXPECT_TRUE(gunzip(zipped, 20000).has_value());
  const auto refused = gunzip(zipped, 19999);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "the gzip data inflates to more than 19999 bytes");
}

TEST(GzipTest, RefusesWhatIsNotWhole) {
  const std::string zipped = gzip("some text");
  EXPECT_FALSE(gunzip("", 100).has_value());
  EXPECT_FALSE(gunzip("not gzip", 100).has_value());
  EXPECT_FALSE(gunzip(zipped.substr(0, zipped.size() - 1), 100).has_value());
}

}  // namespace
}  // namespace patient_http::codec
