#include "drivers/crypto/sha256.h"

#include <gtest/gtest.h>

namespace patient_http::crypto {
namespace {

// The vectors of FIPS 180-4.
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kMillion = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256Test, GivesTheDigestsOfTheStandard) {
  EXPECT_EQ(sha256_hex(""), kEmpty);
  EXPECT_EQ(sha256_hex("abc"), kAbc);
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')), kMillion);
}

TEST(Sha256Test, DoesNotDependOnThePieces) {
  Sha256 hash;
  for (int i = 0; i < 1000; ++i) hash.add(std::string(1000, 'a'));
  EXPECT_EQ(hash.hex(), kMillion);
}

TEST(Sha256Test, MayBeReadInBetween) {
  Sha256 hash;
  EXPECT_EQ(hash.hex(), kEmpty);
  hash.add("ab");
  EXPECT_EQ(hash.hex(), sha256_hex("ab"));
  hash.add("c");
  EXPECT_EQ(hash.hex(), kAbc);
  EXPECT_EQ(hash.hex(), kAbc);
}

TEST(Sha256Test, TakesItsStateAlongWhenItMoves) {
  Sha256 first;
  first.add("a");
  Sha256 second(std::move(first));
  second.add("b");
  Sha256 third;
  third.add("something else");
  third = std::move(second);
  third.add("c");
  EXPECT_EQ(third.hex(), kAbc);
}

}  // namespace
}  // namespace patient_http::crypto
