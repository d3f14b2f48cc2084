#include "patient_http/secret_reference.h"

#include <gtest/gtest.h>

namespace patient_http {
namespace {

TEST(SecretReferenceTest, IsItsNameInJson) {
  const auto secret = SecretReference::create("api_token");
  EXPECT_EQ(secret->to_json().dump(), R"({"$secret":"api_token"})");
  EXPECT_EQ(SecretReference::from_json(secret->to_json()), secret);
}

TEST(SecretReferenceTest, NeedsAName) {
  EXPECT_FALSE(SecretReference::create("").has_value());
  EXPECT_FALSE(SecretReference::from_json(Json::object({{"$secret", 5}})).has_value());
  EXPECT_FALSE(SecretReference::from_json(Json::object({{"$secret", ""}})).has_value());
  EXPECT_FALSE(SecretReference::from_json(Json("x")).has_value());
}

TEST(SecretReferenceTest, KnowsTheFormOfOne) {
  EXPECT_TRUE(SecretReference::is_reference(Json::object({{"$secret", "a"}})));
  EXPECT_FALSE(SecretReference::is_reference(Json::object({{"secret", "a"}})));
  EXPECT_FALSE(SecretReference::is_reference(Json("$secret")));
}

}  // namespace
}  // namespace patient_http
