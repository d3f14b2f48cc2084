#include "drivers/http2/http2_request.h"

#include <gtest/gtest.h>

namespace patient_http::http2 {
namespace {

TEST(Http2RequestTest, ConformsToTheRulesOfHttp2) {
  Http2Request request;
  request.authority = "a.example";
  request.headers = {{"Host", "b.example:8443"}, {"Connection", "close"},
                     {"X-Kept", "Value"},        {"TE", "trailers"},
                     {"Upgrade", "h2c"},         {"transfer-encoding", "x"}};
  conform(request);
  EXPECT_EQ(request.authority, "b.example:8443");
  std::string names;
  for (const auto& [name, value] : request.headers) names += "[" + name + "]";
  EXPECT_EQ(names, "[][][x-kept][][][]");
  EXPECT_EQ(request.headers[2].second, "Value");
}

TEST(Http2RequestTest, DropsItsHeadAndKeepsItsBody) {
  Http2Request request;
  request.method = "POST";
  request.scheme = "https";
  request.authority = "a.example";
  request.path = "/?key=" + std::string(100, 's');
  request.headers = {{"x-key", std::string(100, 's')}};
  request.body = "body";
  request.holds_secrets = true;
  request.drop_head();
  EXPECT_EQ(request.method + request.scheme + request.authority + request.path, "");
  // Thousands of streams wait for their responses.
  EXPECT_LT(request.path.capacity(), 100U);
  EXPECT_EQ(request.headers.capacity(), 0U);
  EXPECT_EQ(request.body, "body");
}

}  // namespace
}  // namespace patient_http::http2
