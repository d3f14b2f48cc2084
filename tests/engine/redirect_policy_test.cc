#include "engine/redirect_policy.h"

#include <gtest/gtest.h>

namespace patient_http::engine {
namespace {

using namespace std::chrono_literals;

SecretReference secret() {
  return *SecretReference::create("s");
}

Request post(std::string url) {
  return *Request::create({.method = HttpMethod::kPost,
                           .url = std::move(url),
                           .headers = {{"authorization", "Bearer x"},
                                       {"cookie", "c=1"},
                                       {"proxy-authorization", "p"},
                                       {"x-api-key", "k"},
                                       {"api-key", "k"},
                                       {"x-auth-token", "t"},
                                       {"idempotency-key", "i"},
                                       {"x-signed", secret()},
                                       {"host", "h"},
                                       {"content-type", "text/plain"},
                                       {"content-length", "4"}},
                           .params = {{"token", secret().to_json()}},
                           .body = "data",
                           .timeout = 7s,
                           .max_redirects = 4,
                           .preprocessors = {"sign"}});
}

RedirectStep step(const Request& current, int status, std::optional<std::string_view> location,
                  const std::vector<std::string>& visited = {}, int max_redirects = 5) {
  return decide_redirect(current, status, location, visited, max_redirects);
}

Request followed(const RedirectStep& step) {
  const auto* follow = std::get_if<FollowRedirect>(&step);
  EXPECT_NE(follow, nullptr);
  return follow ? follow->request : post("http://not-followed/");
}

RejectRedirect rejected(const RedirectStep& step) {
  const auto* reject = std::get_if<RejectRedirect>(&step);
  EXPECT_NE(reject, nullptr);
  return reject ? *reject : RejectRedirect{ErrorKind::kUnknown, {}, {}};
}

bool is_kept(const RedirectStep& step) {
  return std::holds_alternative<KeepResponse>(step);
}

TEST(RedirectPolicyTest, FollowsFiveStatusesOnly) {
  for (const int status : {301, 302, 303, 307, 308}) {
    EXPECT_EQ(followed(step(post("http://a/x"), status, "/y")).url(), "http://a/y") << status;
  }
  for (const int status : {200, 300, 304, 305, 306, 400}) {
    EXPECT_TRUE(is_kept(step(post("http://a/x"), status, "/y"))) << status;
  }
}

TEST(RedirectPolicyTest, KeepsTheResponseWithoutALocation) {
  EXPECT_TRUE(is_kept(step(post("http://a/x"), 302, std::nullopt)));
  EXPECT_TRUE(is_kept(step(post("http://a/x"), 302, "")));
  EXPECT_TRUE(is_kept(step(post("http://a/x"), 302, " ")));
}

TEST(RedirectPolicyTest, KeepsTheResponseWhenRedirectsAreOff) {
  EXPECT_TRUE(is_kept(step(post("http://a/x"), 302, "/y", {}, 0)));
}

TEST(RedirectPolicyTest, MakesAGetWithoutBody) {
  for (const int status : {301, 302, 303}) {
    const Request next = followed(step(post("http://a/x"), status, "/y"));
    EXPECT_EQ(next.method(), HttpMethod::kGet);
    EXPECT_EQ(next.body(), std::nullopt);
    EXPECT_FALSE(next.headers().contains("content-length"));
  }
}

TEST(RedirectPolicyTest, KeepsMethodAndBodyOf307And308) {
  for (const int status : {307, 308}) {
    const Request next = followed(step(post("http://a/x"), status, "/y"));
    EXPECT_EQ(next.method(), HttpMethod::kPost);
    EXPECT_EQ(next.body(), "data");
    EXPECT_TRUE(next.headers().contains("content-length"));
  }
}

TEST(RedirectPolicyTest, KeepsLimitsAsTheyWereGiven) {
  const Json json = followed(step(post("http://a/x"), 307, "http://b/")).to_json();
  EXPECT_EQ(json.find("timeout")->dump(), "7");
  EXPECT_EQ(json.find("max_redirects")->dump(), "4");
}

TEST(RedirectPolicyTest, KeepsEverythingOnTheSameOrigin) {
  for (const char* location : {"/y", "http://a:80/y", "http://A/y", "//a/y", "?q"}) {
    const Request next = followed(step(post("http://a/x"), 307, location));
    EXPECT_EQ(next.headers(), post("http://a/x").headers()) << location;
    EXPECT_THAT(next.preprocessors(), testing::ElementsAre("sign"));
    EXPECT_EQ(next.secret_params().size(), 1U);
  }
}

TEST(RedirectPolicyTest, TakesNoCredentialsToAnotherOrigin) {
  // The gem takes x-api-key, host and secrets in any header along.
  for (const char* location : {"https://a/y", "http://b/y", "http://a:8080/y", "//b/y"}) {
    const Request next = followed(step(post("http://a/x"), 307, location));
    EXPECT_EQ(next.headers().to_json().dump(),
              R"({"content-type":"text/plain","content-length":"4"})")
        << location;
    EXPECT_TRUE(next.preprocessors().empty());
    EXPECT_TRUE(next.secret_params().empty());
  }
}

TEST(RedirectPolicyTest, DropsSecretParamsThatTheLocationGives) {
  EXPECT_TRUE(followed(step(post("http://a/x"), 302, "/y?token=1")).secret_params().empty());
  EXPECT_TRUE(followed(step(post("http://a/x"), 302, "/y?a&%74oken")).secret_params().empty());
  EXPECT_EQ(followed(step(post("http://a/x"), 302, "/y?mytoken=1")).secret_params().size(), 1U);
}

TEST(RedirectPolicyTest, TakesNoUserinfoToAnotherOrigin) {
  const Request current = post("http://user:pass@a/x");
  EXPECT_EQ(followed(step(current, 302, "/y")).url(), "http://user:pass@a/y");
  EXPECT_EQ(followed(step(current, 302, "http://b/y")).url(), "http://b/y");
  EXPECT_EQ(followed(step(current, 302, "//b/y")).url(), "http://b/y");
}

TEST(RedirectPolicyTest, EncodesWhatBrowsersEncode) {
  // A raw UTF-8 Location is an error in the gem.
  EXPECT_EQ(followed(step(post("http://a/x"), 302, "/caf\xc3\xa9 b")).url(),
            "http://a/caf%C3%A9%20b");
}

TEST(RedirectPolicyTest, RejectsWhatIsNoHttpUrl) {
  for (const char* location :
       {"mailto:a@b", "ftp://a/x", "http://", "http://a:0/", "http://\xc3\xa9/"}) {
    const auto reject = rejected(step(post("http://a/x"), 302, location));
    EXPECT_EQ(reject.kind, ErrorKind::kInvalidRedirect) << location;
    EXPECT_EQ(reject.url, "http://a/x");
  }
}

TEST(RedirectPolicyTest, TrustsNoRedirectOfAnUntrustedRequest) {
  const Request untrusted = *Request::create({.url = "http://a/1", .is_untrusted = true});
  EXPECT_TRUE(followed(step(untrusted, 302, "http://b/2")).is_untrusted());
  EXPECT_FALSE(followed(step(post("http://a/1"), 302, "http://b/2")).is_untrusted());
}

TEST(RedirectPolicyTest, NeverRepeatsQueriesInMessages) {
  const auto reject = rejected(step(post("http://u:s3cret@a/x?s3cret"), 302, "ftp://a/?s3cret"));
  EXPECT_THAT(reject.message, testing::Not(testing::HasSubstr("s3cret")));
  EXPECT_THAT(reject.message, testing::HasSubstr("cannot follow a redirect to ftp://a/"));
}

TEST(RedirectPolicyTest, CountsTheRedirectsFollowed) {
  const std::vector<std::string> visited = {"http://a/1", "http://a/2"};
  EXPECT_EQ(followed(step(post("http://a/3"), 302, "/4", visited, 3)).url(), "http://a/4");
  const auto reject = rejected(step(post("http://a/3"), 302, "/4", visited, 2));
  EXPECT_EQ(reject.kind, ErrorKind::kTooManyRedirects);
  // The gem reports the url as it stood in Location.
  EXPECT_EQ(reject.url, "http://a/4");
}

TEST(RedirectPolicyTest, FindsLoopsThroughFragmentsAndCase) {
  // They hide a loop from the gem, which compares texts.
  for (const char* location : {"http://a/1", "http://A:80/1#x", "/1", "/./1"}) {
    const auto reject = rejected(step(post("http://a/2"), 302, location, {"http://a/1"}));
    EXPECT_EQ(reject.kind, ErrorKind::kRecursiveRedirect) << location;
  }
  EXPECT_EQ(rejected(step(post("http://a/2"), 302, "#x")).kind, ErrorKind::kRecursiveRedirect);
  EXPECT_EQ(followed(step(post("http://a/2"), 302, "/1?q", {"http://a/1"})).url(), "http://a/1?q");
}

}  // namespace
}  // namespace patient_http::engine
