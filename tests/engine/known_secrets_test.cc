#include "engine/known_secrets.h"

#include <gtest/gtest.h>

namespace patient_http::engine {
namespace {

KnownSecrets known(const std::vector<std::pair<std::string, std::string>>& secrets) {
  KnownSecrets all;
  for (const auto& [name, value] : secrets) all.add(name, std::optional<std::string>(value));
  return all;
}

TEST(KnownSecretsTest, GiveTheirValues) {
  KnownSecrets secrets;
  secrets.add("a", std::make_shared<const Secret>("static"));
  secrets.add("b", std::optional<std::string>("called"));
  secrets.add("c", std::nullopt);
  ASSERT_NE(secrets.find("a"), nullptr);
  EXPECT_EQ(*secrets.find("a"), "static");
  EXPECT_EQ(*secrets.find("b"), "called");
  EXPECT_EQ(secrets.find("c"), nullptr);
}

TEST(KnownSecretsTest, ReplaceWholeParamsOfAnyLength) {
  const KnownSecrets secrets = known({{"num", "42"}, {"key", "a b&c"}});
  EXPECT_EQ(secrets.mask_url("http://h/42?a=42&b=%34%32&c=142&d=42x&42=1&e"),
            "http://h/42?a=$secret:num&b=$secret:num&c=142&d=42x&42=1&e");
  EXPECT_EQ(secrets.mask_url("/p?a=a+b%26c"), "/p?a=$secret:key");
  EXPECT_EQ(secrets.mask_url("/p?a=a%20b%26c#f=42"), "/p?a=$secret:key#f=42");
  EXPECT_EQ(secrets.mask_url("?"), "?");
  EXPECT_EQ(secrets.mask_url(""), "");
  EXPECT_EQ(secrets.mask_url("#x?a=42"), "#x?a=42");
}

TEST(KnownSecretsTest, ReplaceLongValuesAnywhereHoweverTheyAreWritten) {
  const KnownSecrets secrets = known({{"token", "Bearer t0k=en &x/\xc3\xa9"}});
  for (const char* written : {
           "Bearer t0k=en &x/\xc3\xa9",
           "Bearer+t0k%3Den+%26x%2F%C3%A9",
           "Bearer%20t0k%3den%20%26x%2f%c3%a9",
           "Bearer%20t0k=en%20&x/%C3%A9",
           "bearer%20T0K=en%20&x/%C3%A9",
           "Bearer%2Bt0k%253Den%2B%2526x%252F%25C3%25A9",
           "%42%65arer%2520t0k%253Den%2520%2526x%252F%25C3%25A9",
       }) {
    for (const auto& [before, after] : std::vector<std::pair<std::string, std::string>>{
             {"http://h/", "/y"}, {"http://h/p?a=1", "z&b=2"}, {"http://h/p#", ""}}) {
      EXPECT_EQ(secrets.mask_url(before + written + after), before + "$secret:token" + after);
    }
  }
  EXPECT_EQ(secrets.mask("x Bearer t0k=en &x/\xc3\xa9 y"), "x $secret:token y");
  EXPECT_EQ(secrets.mask_url("http://h/Bearer%20t0k"), "http://h/Bearer%20t0k");
}

TEST(KnownSecretsTest, ReadAPercentSignOfTheValueToo) {
  const KnownSecrets secrets = known({{"p", "100%41+b%zz"}});
  EXPECT_EQ(secrets.mask_url("/p?x=y100%2541%2Bb%25zz"), "/p?x=y$secret:p");
  EXPECT_EQ(secrets.mask_url("/p?x=y100%41+b%zz"), "/p?x=y$secret:p");
}

TEST(KnownSecretsTest, LeaveShortValuesInsideTextsAlone) {
  const KnownSecrets secrets = known({{"short", "1234567"}, {"long", "12345678"}, {"none", ""}});
  EXPECT_EQ(secrets.mask("a1234567b12345678c"), "a1234567b$secret:longc");
  EXPECT_EQ(secrets.mask("a1234567b12345678c", 1), "a$secret:shortb$secret:longc");
  EXPECT_EQ(secrets.mask_url("/p?a=&b"), "/p?a=&b");
}

TEST(KnownSecretsTest, EncodeTheNameInItsPlace) {
  const KnownSecrets secrets = known({{"my key&\xc3\xa9", "12345678"}});
  EXPECT_EQ(secrets.mask_url("/p?a=12345678"), "/p?a=$secret:my%20key%26%C3%A9");
}

TEST(KnownSecretsTest, CollectThoseOfSeveralHopsOnce) {
  KnownSecrets secrets = known({{"a", "value one"}});
  secrets.add(known({{"a", "value one"}, {"a", "value two"}}));
  EXPECT_EQ(secrets.mask("value one, value two"), "$secret:a, $secret:a");
}

TEST(KnownSecretsTest, ChangeNothingWithoutSecrets) {
  EXPECT_EQ(KnownSecrets().mask_url("/p?a=1%41"), "/p?a=1%41");
}

}  // namespace
}  // namespace patient_http::engine
