#include "patient_http/secret_manager.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "engine/secret_registry.h"

namespace patient_http {
namespace {

std::optional<std::string> value_of(const SecretManager& secrets, std::string_view name) {
  const auto secret = secrets.registry().find(name);
  if (!secret) return std::nullopt;
  return secret->is_function() ? secret->call() : secret->value();
}

TEST(SecretManagerTest, FindsValuesAndFunctions) {
  SecretManager secrets;
  secrets.register_secret("value", "v");
  secrets.register_secret("function", [] { return "f"; });
  EXPECT_EQ(value_of(secrets, "value"), "v");
  EXPECT_EQ(value_of(secrets, "function"), "f");
  EXPECT_EQ(value_of(secrets, "other"), std::nullopt);
  EXPECT_TRUE(secrets.contains("value"));
  EXPECT_FALSE(secrets.contains("other"));
}

TEST(SecretManagerTest, ReplacesTheEarlierSecretOfAName) {
  SecretManager secrets;
  secrets.register_secret("s", "first");
  secrets.register_secret("s", [] { return "second"; });
  EXPECT_EQ(value_of(secrets, "s"), "second");
  secrets.register_secret("s", "third");
  EXPECT_EQ(value_of(secrets, "s"), "third");
  EXPECT_EQ(secrets.names(), std::vector<std::string>{"s"});
}

TEST(SecretManagerTest, ShowsNamesOnly) {
  SecretManager secrets;
  secrets.register_secret("b", "value");
  secrets.register_secret("a", [] { return "value"; });
  EXPECT_EQ(secrets.names(), (std::vector<std::string>{"a", "b"}));
}

TEST(SecretManagerTest, SharesItsSecretsWithItsCopies) {
  SecretManager secrets;
  const SecretManager copy = secrets;
  secrets.register_secret("later", "v");
  EXPECT_EQ(value_of(copy, "later"), "v");
  EXPECT_EQ(value_of(SecretManager(), "later"), std::nullopt);
}

TEST(SecretManagerTest, RefusesEmptyNamesAndFunctions) {
  SecretManager secrets;
  EXPECT_THROW(secrets.register_secret("", "v"), std::invalid_argument);
  EXPECT_THROW(secrets.register_secret("s", SecretFunction()), std::invalid_argument);
  EXPECT_THROW(register_secret("", "v"), std::invalid_argument);
}

TEST(SecretManagerTest, FallsBackToTheSecretsOfTheProcess) {
  // Module secrets of the gem: registered before or after there is a configuration.
  register_secret("secret_manager_test.before", "before");
  SecretManager secrets;
  register_secret("secret_manager_test.after", [] { return "after"; });
  EXPECT_EQ(value_of(secrets, "secret_manager_test.before"), "before");
  EXPECT_EQ(value_of(secrets, "secret_manager_test.after"), "after");
  EXPECT_TRUE(secrets.names().empty());
  EXPECT_TRUE(secrets.contains("secret_manager_test.before"));
  EXPECT_TRUE(is_secret_registered("secret_manager_test.before"));
  EXPECT_FALSE(is_secret_registered("secret_manager_test.other"));

  secrets.register_secret("secret_manager_test.before", "own");
  EXPECT_EQ(value_of(secrets, "secret_manager_test.before"), "own");
  EXPECT_EQ(value_of(SecretManager(), "secret_manager_test.before"), "before");
}

TEST(SecretManagerTest, WipesAValueThatIsReplacedWhenNobodyUsesItAnyMore) {
  SecretManager secrets;
  secrets.register_secret("s", "the first value of the secret");
  auto in_use = secrets.registry().find("s");
  secrets.register_secret("s", "the second value");
  EXPECT_EQ(in_use->value(), "the first value of the secret");
  const std::weak_ptr<const engine::Secret> first = in_use;
  in_use.reset();
  EXPECT_TRUE(first.expired());
}

TEST(SecretManagerTest, MayBeUsedFromManyThreads) {
  SecretManager secrets;
  secrets.register_secret("s", "value 0");
  std::atomic<int> found{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 500; ++j) {
        if (i == 0) secrets.register_secret("s", "value " + std::to_string(j));
        if (secrets.registry().find("s")->value().starts_with("value ")) ++found;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(found, 2000);
}

}  // namespace
}  // namespace patient_http
