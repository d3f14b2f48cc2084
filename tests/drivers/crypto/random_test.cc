#include "drivers/crypto/random.h"

#include <gtest/gtest.h>

#include <set>

namespace patient_http::crypto {
namespace {

TEST(RandomBytesTest, GivesOtherBytesEachTime) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string bytes = random_bytes(12);
    ASSERT_EQ(bytes.size(), 12U);
    EXPECT_TRUE(seen.insert(bytes).second);
  }
  EXPECT_EQ(random_bytes(0), "");
}

}  // namespace
}  // namespace patient_http::crypto
