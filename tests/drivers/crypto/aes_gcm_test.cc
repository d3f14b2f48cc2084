#include "drivers/crypto/aes_gcm.h"

#include <gtest/gtest.h>

#include "drivers/crypto/hex.h"
#include "drivers/crypto/random.h"

namespace patient_http::crypto {
namespace {

// The vectors with keys of 256 bits and no additional data of McGrew and Viega, "The
// Galois/Counter Mode of Operation", which NIST took over: their cases 13, 14 and 15.
struct Vector {
  std::string key;
  std::string iv;
  std::string text;
  std::string ciphertext;
  std::string tag;
};

const std::vector<Vector>& vectors() {
  static const std::vector<Vector> all = {
      {std::string(64, '0'), std::string(24, '0'), "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
      {std::string(64, '0'), std::string(24, '0'), std::string(32, '0'),
       "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
      {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
       "cafebabefacedbaddecaf888",
       "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
       "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
       "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
       "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
       "b094dac5d93471bdec1a502270e3cc6c"}};
  return all;
}

TEST(AesGcmTest, EncryptsTheVectorsOfTheStandard) {
  for (const Vector& vector : vectors()) {
    const SecretBytes key(from_hex(vector.key));
    const SealedText sealed = aes256_gcm_seal(key, from_hex(vector.iv), from_hex(vector.text));
    EXPECT_EQ(sealed.ciphertext, from_hex(vector.ciphertext));
    EXPECT_EQ(sealed.tag, from_hex(vector.tag));
    EXPECT_EQ(sealed.iv, from_hex(vector.iv));
  }
}

TEST(AesGcmTest, DecryptsTheVectorsOfTheStandard) {
  for (const Vector& vector : vectors()) {
    const auto text =
        aes256_gcm_open(SecretBytes(from_hex(vector.key)),
                        {from_hex(vector.ciphertext), from_hex(vector.iv), from_hex(vector.tag)});
    ASSERT_TRUE(text);
    EXPECT_EQ(text->view(), from_hex(vector.text));
  }
}

class AesGcmTamperTest : public testing::Test {
 protected:
  const SecretBytes key_{random_bytes(kAesKeySize)};
  const SealedText sealed_ = aes256_gcm_seal(key_, random_bytes(kGcmIvSize), "some text");
};

TEST_F(AesGcmTamperTest, RefusesEveryChangedBit) {
  for (std::string SealedText::*part :
       {&SealedText::ciphertext, &SealedText::iv, &SealedText::tag}) {
    for (std::size_t bit = 0; bit < (sealed_.*part).size() * 8; ++bit) {
      SealedText changed = sealed_;
      char& byte = (changed.*part)[bit / 8];
      byte = static_cast<char>(byte ^ (1 << bit % 8));
      EXPECT_FALSE(aes256_gcm_open(key_, changed)) << bit;
    }
  }
}

TEST_F(AesGcmTamperTest, RefusesPartsOfAnotherSize) {
  for (std::string SealedText::*part :
       {&SealedText::ciphertext, &SealedText::iv, &SealedText::tag}) {
    for (std::size_t size = 0; size < (sealed_.*part).size(); ++size) {
      SealedText changed = sealed_;
      (changed.*part).resize(size);
      EXPECT_FALSE(aes256_gcm_open(key_, changed)) << size;
    }
    SealedText longer = sealed_;
    (longer.*part) += '\0';
    EXPECT_FALSE(aes256_gcm_open(key_, longer));
  }
}

TEST_F(AesGcmTamperTest, RefusesAnotherKey) {
  EXPECT_TRUE(aes256_gcm_open(key_, sealed_));
  EXPECT_FALSE(aes256_gcm_open(SecretBytes(random_bytes(kAesKeySize)), sealed_));
}

}  // namespace
}  // namespace patient_http::crypto
