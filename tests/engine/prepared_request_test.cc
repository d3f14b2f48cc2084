#include "engine/prepared_request.h"

#include <gtest/gtest.h>

namespace patient_http::engine {
namespace {

std::string head_of(HttpMethod method, std::size_t body_size) {
  PreparedRequest request;
  request.method = method;
  request.target = "/p?q";
  request.headers = {{"a", "1"}, {"a", "2"}};
  return http1_head(request, body_size);
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

TEST(PreparedRequestTest, HasRoomForASmallBodyBehindTheHead) {
  // A head that moved would leave a copy of its secrets behind.
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kSmallBody}) {
    std::string head = head_of(HttpMethod::kPost, size);
    const char* before = head.data();
    head.append(size, 'x');
    EXPECT_EQ(static_cast<const void*>(head.data()), static_cast<const void*>(before)) << size;
  }
  EXPECT_LT(head_of(HttpMethod::kPost, kSmallBody + 1).capacity(), kSmallBody);
}

TEST(PreparedRequestTest, IsWipedWhenItHoldsSecrets) {
  PreparedRequest request;
  request.target = "/p?key=a-value-that-is-long-enough";
  request.headers = {{"x-key", "short"}};
  request.holds_secrets = true;
  const char* target = request.target.data();
  const std::size_t size = request.target.size();

  request.drop_content();

  // Its memory is still the text's own.
  EXPECT_EQ(std::string(target, size), std::string(size, '\0'));
  EXPECT_EQ(request.headers.capacity(), 0U);
}

}  // namespace
}  // namespace patient_http::engine
