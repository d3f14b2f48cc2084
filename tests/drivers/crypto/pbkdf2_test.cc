#include "drivers/crypto/pbkdf2.h"

#include <gtest/gtest.h>

#include "drivers/crypto/hex.h"

namespace patient_http::crypto {
namespace {

struct Vector {
  std::string password;
  std::string salt;
  int iterations;
  std::string key;
};

const std::string kLongPassword = "passwordPASSWORDpassword";
const std::string kLongSalt = "saltSALTsaltSALTsaltSALTsaltSALTsalt";

void expect_keys(HmacDigest digest, const std::vector<Vector>& vectors) {
  for (const Vector& vector : vectors) {
    const std::string key = from_hex(vector.key);
    EXPECT_EQ(pbkdf2(digest, vector.password, vector.salt, vector.iterations, key.size()).view(),
              key)
        << vector.password << " " << vector.iterations;
  }
}

// RFC 6070, but for its vector of 16,777,216 iterations.
TEST(Pbkdf2Test, GivesTheKeysOfTheStandardWithSha1) {
  expect_keys(
      HmacDigest::kSha1,
      {{"password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
       {"password", "salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
       {"password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"},
       {kLongPassword, kLongSalt, 4096, "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
       {std::string("pass\0word", 9), std::string("sa\0lt", 5), 4096,
        "56fa6aa75548099dcc37d7f03425e0c3"}});
}

// RFC 7914 §11, and the inputs of RFC 6070 with SHA-256.
TEST(Pbkdf2Test, GivesTheKeysOfTheStandardWithSha256) {
  expect_keys(
      HmacDigest::kSha256,
      {{"passwd", "salt", 1,
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
       {"password", "salt", 1, "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b"},
       {"password", "salt", 4096,
        "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"}});
}

TEST(Pbkdf2Test, TakesAnEmptyPassword) {
  EXPECT_EQ(pbkdf2(HmacDigest::kSha1, {}, "salt", 1, 32).view().size(), 32U);
}

}  // namespace
}  // namespace patient_http::crypto
