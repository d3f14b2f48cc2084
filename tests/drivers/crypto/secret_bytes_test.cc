#include "drivers/crypto/secret_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>

namespace patient_http::crypto {
namespace {

TEST(SecretBytesTest, HoldsItsBytesUntilItMoves) {
  for (const std::size_t size : {3U, 100U}) {
    SecretBytes first(std::string(size, 'k'));
    SecretBytes second(std::move(first));
    EXPECT_EQ(second.view(), std::string(size, 'k'));
    EXPECT_EQ(first.view(), "");  // NOLINT(bugprone-use-after-move): that is what is asked
    SecretBytes third(std::string("other"));
    third = std::move(second);
    EXPECT_EQ(third.view(), std::string(size, 'k'));
    EXPECT_EQ(second.view(), "");  // NOLINT(bugprone-use-after-move)
  }
}

// A short text lies in the object itself, where one can look after it was destroyed.
TEST(SecretBytesTest, LeavesNothingBehind) {
  alignas(SecretBytes) unsigned char room[sizeof(SecretBytes)] = {};
  auto* const secret = new (room) SecretBytes(std::string("kkkkkkkk"));
  ASSERT_GE(std::count(std::begin(room), std::end(room), 'k'), 8);
  std::destroy_at(secret);
  EXPECT_EQ(std::count(std::begin(room), std::end(room), 'k'), 0);
}

}  // namespace
}  // namespace patient_http::crypto
