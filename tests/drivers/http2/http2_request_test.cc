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

TEST(Http2RequestTest, KnowsHeadersThatStayOutOfTables) {
  for (const char* name :
       {"authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token"}) {
    EXPECT_TRUE(is_sensitive(name)) << name;
  }
  EXPECT_FALSE(is_sensitive("accept"));
}

}  // namespace
}  // namespace patient_http::http2
