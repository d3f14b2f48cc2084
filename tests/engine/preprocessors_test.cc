#include "patient_http/preprocessors.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "engine/preprocessor_registry.h"

namespace patient_http {
namespace {

TEST(PreprocessorsTest, AreFoundByNameInEveryCopy) {
  Preprocessors preprocessors;
  const Preprocessors copy = preprocessors;
  preprocessors.register_preprocessor("b", [](OutgoingRequest&) {});
  preprocessors.register_preprocessor("a", [](OutgoingRequest&) {});
  EXPECT_EQ(copy.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(copy.registry().find("a"));
  EXPECT_FALSE(copy.registry().find("c"));
  EXPECT_TRUE(Preprocessors().names().empty());
}

TEST(PreprocessorsTest, ReplaceTheEarlierOneOfAName) {
  Preprocessors preprocessors;
  preprocessors.register_preprocessor(
      "a", [](OutgoingRequest& request) { request.set_header("x", "first"); });
  preprocessors.register_preprocessor(
      "a", [](OutgoingRequest& request) { request.set_header("x", "second"); });
  const std::optional<std::string> body;
  OutgoingRequest request(HttpMethod::kGet, "http://h/", body, {});
  (*preprocessors.registry().find("a"))(request);
  EXPECT_EQ(request.header("x"), "second");
}

TEST(PreprocessorsTest, RefuseEmptyNamesAndFunctions) {
  Preprocessors preprocessors;
  EXPECT_THROW(preprocessors.register_preprocessor("", [](OutgoingRequest&) {}),
               std::invalid_argument);
  EXPECT_THROW(preprocessors.register_preprocessor("a", Preprocessor()), std::invalid_argument);
}

}  // namespace
}  // namespace patient_http
