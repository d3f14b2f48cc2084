#include "drivers/http1/request_head.h"

#include <gtest/gtest.h>

namespace patient_http::http1 {
namespace {

TEST(RequestHeadTest, WritesTheRequestLineAndALinePerHeader) {
  RequestHead head("POST", "/a?b=c%20d");
  head.add("host", "example.com");
  head.add("x-twice", "1");
  head.add("x-twice", "2");
  head.add("x-empty", "");
  EXPECT_EQ(std::move(head).finish(),
            "POST /a?b=c%20d HTTP/1.1\r\nhost: example.com\r\nx-twice: 1\r\nx-twice: 2\r\n"
            "x-empty: \r\n\r\n");
}

TEST(RequestHeadTest, EndsAHeadWithoutHeaders) {
  EXPECT_EQ(RequestHead("GET", "/").finish(), "GET / HTTP/1.1\r\n\r\n");
}

TEST(RequestHeadTest, CarriesLongTargetsWhole) {
  const std::string target = "/" + std::string(100'000, 'x');
  EXPECT_EQ(RequestHead("GET", target).finish(), "GET " + target + " HTTP/1.1\r\n\r\n");
}

}  // namespace
}  // namespace patient_http::http1
