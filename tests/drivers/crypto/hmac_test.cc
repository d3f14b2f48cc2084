#include "drivers/crypto/hmac.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace patient_http::crypto {
namespace {

std::string code_of(HmacDigest digest, std::string_view key, std::string_view bytes) {
  return base::hex_encode(hmac(digest, key, bytes).view());
}

// RFC 2202 and RFC 4231, test case 2.
TEST(HmacTest, GivesTheCodesOfTheStandards) {
  constexpr const char* kText = "what do ya want for nothing?";
  EXPECT_EQ(code_of(HmacDigest::kSha1, "Jefe", kText), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(code_of(HmacDigest::kSha256, "Jefe", kText),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(code_of(HmacDigest::kSha512, "Jefe", kText),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

// RFC 4231, test case 6: a key that is longer than a block.
TEST(HmacTest, TakesLongKeys) {
  EXPECT_EQ(code_of(HmacDigest::kSha256, std::string(131, '\xaa'),
                    "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacTest, TakesEmptyKeysAndTexts) {
  EXPECT_EQ(code_of(HmacDigest::kSha256, {}, {}),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(HmacTest, DoesNotDependOnThePieces) {
  Hmac first(HmacDigest::kSha256, "Jefe");
  first.add("what do ya ");
  Hmac second(std::move(first));
  second.add("");
  second.add("want for nothing?");
  EXPECT_EQ(base::hex_encode(std::move(second).finish().view()),
            code_of(HmacDigest::kSha256, "Jefe", "what do ya want for nothing?"));
}

}  // namespace
}  // namespace patient_http::crypto
