#include "patient_http/http_method.h"

#include <gtest/gtest.h>

namespace patient_http {
namespace {

TEST(HttpMethodTest, TakesTheFiveOfTheGemInAnyCase) {
  EXPECT_EQ(parse_http_method("get"), HttpMethod::kGet);
  EXPECT_EQ(parse_http_method("PoSt"), HttpMethod::kPost);
  EXPECT_EQ(parse_http_method("PUT"), HttpMethod::kPut);
  EXPECT_EQ(parse_http_method("patch"), HttpMethod::kPatch);
  EXPECT_EQ(parse_http_method("delete"), HttpMethod::kDelete);
}

TEST(HttpMethodTest, RefusesOthersByName) {
  EXPECT_EQ(parse_http_method("head").error().message,
            "must be one of get, post, put, patch, delete, got \"head\"");
  EXPECT_FALSE(parse_http_method("").has_value());
  EXPECT_FALSE(parse_http_method("get ").has_value());
}

TEST(HttpMethodTest, KnowsTheFormsAndTraits) {
  EXPECT_EQ(to_string(HttpMethod::kDelete), "delete");
  EXPECT_EQ(to_wire(HttpMethod::kDelete), "DELETE");
  EXPECT_TRUE(is_idempotent(HttpMethod::kPut));
  EXPECT_FALSE(is_idempotent(HttpMethod::kPatch));
  EXPECT_TRUE(may_have_body(HttpMethod::kPatch));
  EXPECT_FALSE(may_have_body(HttpMethod::kDelete));
}

}  // namespace
}  // namespace patient_http
