#include "drivers/crypto/wipe.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace patient_http::crypto {
namespace {

// All that the string has room for, also behind its end: that memory is the string's own.
bool is_all_zero(const std::string& bytes) {
  const char* const first = bytes.data();
  return std::all_of(first, first + bytes.capacity(), [](char byte) { return byte == 0; });
}

TEST(WipeTest, OverwritesTheWholeRoom) {
  for (const std::size_t size : {1U, 15U, 16U, 1000U}) {
    std::string bytes(size, 'x');
    const char* const room = bytes.data();
    wipe(bytes);
    EXPECT_TRUE(bytes.empty());
    EXPECT_EQ(bytes.data(), room);
    EXPECT_TRUE(is_all_zero(bytes)) << size;
  }
}

TEST(WipeTest, OverwritesWhatStandsBehindTheEndOfAShortenedText) {
  std::string bytes(1000, 'x');
  bytes.resize(10);
  wipe(bytes);
  EXPECT_TRUE(is_all_zero(bytes));
}

TEST(WipeTest, LeavesAnEmptyTextEmptyAndUsable) {
  std::string bytes;
  wipe(bytes);
  wipe(bytes);
  bytes += "again";
  EXPECT_EQ(bytes, "again");
}

}  // namespace
}  // namespace patient_http::crypto
