#include "engine/prepared_request.h"

#include <gtest/gtest.h>

namespace patient_http::engine {
namespace {

std::string head_of(HttpMethod method, std::size_t body_size) {
  return http1_head(
      PreparedRequest{method, *base::Url::parse("http://h/p?q"), {{"a", "1"}, {"a", "2"}}},
      body_size);
}

TEST(PreparedRequestTest, WritesItsLinesInOrder) {
  EXPECT_EQ(head_of(HttpMethod::kPost, 12),
            "POST /p?q HTTP/1.1\r\na: 1\r\na: 2\r\ncontent-length: 12\r\n\r\n");
}

TEST(PreparedRequestTest, SaysTheLengthOfAnEmptyBodyWhereOneIsPossible) {
  for (const HttpMethod method : {HttpMethod::kPost, HttpMethod::kPut, HttpMethod::kPatch}) {
    EXPECT_THAT(head_of(method, 0), testing::EndsWith("content-length: 0\r\n\r\n"));
  }
  for (const HttpMethod method : {HttpMethod::kGet, HttpMethod::kDelete}) {
    EXPECT_THAT(head_of(method, 0), testing::Not(testing::HasSubstr("content-length")));
  }
}

}  // namespace
}  // namespace patient_http::engine
