#include "payload/payload_reference.h"

#include <gtest/gtest.h>

namespace patient_http::payload {
namespace {

const std::string kKey = "07aa468d-b464-4e75-befb-4c20e7c4193d";

Json json(const std::string& text) {
  return *Json::parse(text);
}

TEST(PayloadReferenceTest, ReadsAndWritesTheFormOfTheGem) {
  const std::string text = std::string(R"({"$ref":{"store":"files","key":")") + kKey + "\"}}";
  const auto reference = PayloadReference::from_json(json(text));
  ASSERT_TRUE(reference);
  EXPECT_EQ(reference->store(), "files");
  EXPECT_EQ(reference->key(), kKey);
  EXPECT_EQ(reference->json(), text);
  EXPECT_EQ(reference->text(), std::string("files/") + kKey);
  EXPECT_EQ(PayloadReference::parse(reference->text()), *reference);
}

TEST(PayloadReferenceTest, HasANewKeyEachTime) {
  const PayloadReference first = PayloadReference::create("r");
  const PayloadReference second = PayloadReference::create("r");
  EXPECT_NE(first, second);
  EXPECT_EQ(PayloadReference::from_json(json(first.json())), first);
}

TEST(PayloadReferenceTest, IsKnownByItsKeyAsInTheGem) {
  EXPECT_TRUE(PayloadReference::is_reference(json(R"({"$ref":1})")));
  EXPECT_TRUE(PayloadReference::is_reference(json(R"({"$ref":null,"b":1})")));
  for (const char* other : {R"({"a":1})", "null", R"("x")", R"(["$ref"])", R"({"a":{"$ref":1}})"}) {
    EXPECT_FALSE(PayloadReference::is_reference(json(other))) << other;
    EXPECT_FALSE(PayloadReference::from_json(json(other))) << other;
  }
}

TEST(PayloadReferenceTest, TakesTheNamesThatStoresMayHave) {
  for (const std::string& name : {std::string("a"), std::string("My_store-2.x"),
                                  std::string(64, 'x'), std::string("_"), std::string("-")}) {
    EXPECT_TRUE(PayloadReference::is_valid_store_name(name)) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string(".x"), std::string("a/b"),
        std::string("a b"), std::string("é"), std::string("a\0", 2), std::string("a\n"),
        std::string(65, 'x')}) {
    EXPECT_FALSE(PayloadReference::is_valid_store_name(name)) << name;
  }
}

// A job may come from anywhere: the gem builds a path of whatever key stands in it.
TEST(PayloadReferenceTest, RefusesEveryOtherKey) {
  for (const std::string& key :
       {std::string(), std::string("../../../etc/hostname"), std::string("nokey"),
        std::string("07AA468D-B464-4E75-BEFB-4C20E7C4193D"), kKey + "x", kKey + "/", "/" + kKey,
        "../" + kKey, std::string("07aa468d-b464-4e75-befb-4c20e7c4193/"),
        std::string("07aa468db4644e75befb4c20e7c4193d0000")}) {
    const auto by_json = PayloadReference::from_json(
        Json::object({{"$ref", Json::object({{"store", "files"}, {"key", key}})}}));
    ASSERT_FALSE(by_json) << key;
    EXPECT_EQ(by_json.error().message,
              "the reference to stored data is malformed: its key is no UUID in lower case");
    EXPECT_FALSE(PayloadReference::parse("files/" + key)) << key;
  }
}

TEST(PayloadReferenceTest, RefusesEveryOtherStore) {
  for (const char* store : {"", "..", "a/b", "../files"}) {
    EXPECT_FALSE(PayloadReference::from_json(
        Json::object({{"$ref", Json::object({{"store", store}, {"key", kKey}})}})))
        << store;
    EXPECT_FALSE(PayloadReference::parse(std::string(store) + "/" + kKey)) << store;
  }
  EXPECT_FALSE(PayloadReference::parse(kKey));
  EXPECT_FALSE(PayloadReference::parse("files"));
}

TEST(PayloadReferenceTest, RefusesWhatLacksAMemberOrHasAnotherType) {
  for (const char* other :
       {R"({"$ref":1})", R"({"$ref":null})", R"({"$ref":{}})", R"({"$ref":{"store":"files"}})",
        R"({"$ref":{"key":"07aa468d-b464-4e75-befb-4c20e7c4193d"}})",
        R"({"$ref":{"store":1,"key":"07aa468d-b464-4e75-befb-4c20e7c4193d"}})",
        R"({"$ref":{"store":"files","key":["07aa468d-b464-4e75-befb-4c20e7c4193d"]}})"}) {
    EXPECT_FALSE(PayloadReference::from_json(json(other))) << other;
  }
}

}  // namespace
}  // namespace patient_http::payload
