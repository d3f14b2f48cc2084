#include "engine/proxy_rules.h"

#include <gtest/gtest.h>

#include <map>

namespace patient_http::engine {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

Result<ProxyRules> create(const ProcessorOptions& options, const Variables& variables = {}) {
  return ProxyRules::create(options, [&](const char* name) {
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : it->second.c_str();
  });
}

ProxyRules with_proxy(const std::string& url, const std::string& no_proxy = "") {
  ProcessorOptions options;
  options.proxy_url = url;
  options.no_proxy = no_proxy;
  return create(options).value();
}

ProxyRules of_environment(const Variables& variables) {
  ProcessorOptions options;
  options.proxy_from_environment = true;
  return create(options, variables).value();
}

// "direct", "forward http://p:1" or "tunnel http://p:1".
std::string route(const ProxyRules& rules, const std::string& url) {
  const Route route = rules.route_of(base::Url::parse(url)->origin());
  if (route.kind == Route::Kind::kDirect) return "direct";
  return (route.kind == Route::Kind::kForward ? "forward " : "tunnel ") +
         route.proxy->origin.text();
}

TEST(ProxyRulesTest, ReachesEverythingDirectlyByDefault) {
  EXPECT_EQ(route(ProxyRules(), "https://a.test"), "direct");
  const ProxyRules rules = create({}, {{"https_proxy", "http://p:1"}}).value();
  EXPECT_EQ(route(rules, "https://a.test"), "direct") << "the environment was not asked for";
}

TEST(ProxyRulesTest, ForwardsHttpAndTunnelsHttps) {
  const ProxyRules rules = with_proxy("http://p:3128");
  EXPECT_EQ(route(rules, "http://a.test"), "forward http://p:3128");
  EXPECT_EQ(route(rules, "https://a.test"), "tunnel http://p:3128");
  EXPECT_EQ(route(with_proxy("https://p"), "https://a.test"), "tunnel https://p");
}

TEST(ProxyRulesTest, TunnelsHttpThatSpeaksHttp2) {
  ProcessorOptions options{.proxy_url = "http://proxy.test:3128"};
  options.protocol = HttpProtocol::kHttp2;
  const auto rules = ProxyRules::create(options);
  ASSERT_TRUE(rules.has_value()) << rules.error().message;
  EXPECT_EQ(rules->route_of({"http", "a.test", 80}).kind, Route::Kind::kTunnel);
}

TEST(ProxyRulesTest, MakesBasicCredentials) {
  const auto authorization = [](const std::string& url) {
    const ProxyRules rules = with_proxy(url);
    return rules.route_of({"http", "a.test", 80}).proxy->authorization;
  };
  EXPECT_EQ(authorization("http://p"), "");
  EXPECT_EQ(authorization("http://Aladdin:open%20sesame@p"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(authorization("http://me@p"), "Basic bWU6");
}

TEST(ProxyRulesTest, RefusesWhatIsNoProxyWithoutRepeatingIt) {
  for (const char* wrong :
       {"socks5://user:hush@p:1", "http://user:hush@p/path", "http://user:hush@p?hush",
        "user:hush@p:1", "http://user:hush@p:99999", "http://", "http://p#hush"}) {
    ProcessorOptions options;
    options.proxy_url = wrong;
    const auto rules = create(options);
    ASSERT_FALSE(rules.has_value()) << wrong;
    EXPECT_EQ(rules.error().message,
              "proxy_url must be http://[user:password@]host[:port], or the same with https://");
  }
}

TEST(ProxyRulesTest, LeavesOutNamesAndWhatIsUnderThem) {
  const ProxyRules rules = with_proxy("http://p", "a.test, .b.test ,C.test:8443");
  for (const char* direct : {"https://a.test", "https://x.a.test", "https://x.b.test",
                             "https://c.test:8443", "http://x.c.test:8443"}) {
    EXPECT_EQ(route(rules, direct), "direct") << direct;
  }
  for (const char* by_proxy :
       {"http://xa.test", "http://b.test", "http://c.test", "http://a.test.example"}) {
    EXPECT_EQ(route(rules, by_proxy), "forward http://p") << by_proxy;
  }
}

TEST(ProxyRulesTest, LeavesOutAddressesAndNetworks) {
  const ProxyRules rules =
      with_proxy("http://p", "192.0.2.1,10.0.0.0/9,2001:db8::/33,[::1]:8080,198.51.100.7:81");
  for (const char* direct : {"http://192.0.2.1", "http://10.127.255.255", "http://[2001:db8::5]",
                             "http://[::1]:8080", "http://198.51.100.7:81"}) {
    EXPECT_EQ(route(rules, direct), "direct") << direct;
  }
  for (const char* by_proxy : {"http://192.0.2.10", "http://10.128.0.0", "http://[2001:db9::5]",
                               "http://[2001:db8:8000::]", "http://[::1]", "http://198.51.100.7"}) {
    EXPECT_EQ(route(rules, by_proxy), "forward http://p") << by_proxy;
  }
  EXPECT_EQ(route(with_proxy("http://p", "0.0.0.0/0"), "http://192.0.2.1"), "direct");
  EXPECT_EQ(route(with_proxy("http://p", "*"), "https://a.test"), "direct");
}

TEST(ProxyRulesTest, LeavesOutTheSameNameInOtherForms) {
  const ProxyRules rules = with_proxy("http://p", "a.test,b.test.,*.c.test *.d.test.:81");
  for (const char* direct : {"http://a.test.", "http://x.a.test.", "http://b.test",
                             "http://b.test.", "http://x.c.test", "http://x.d.test:81"}) {
    EXPECT_EQ(route(rules, direct), "direct") << direct;
  }
  for (const char* by_proxy : {"http://c.test", "http://xc.test", "http://x.d.test"}) {
    EXPECT_EQ(route(rules, by_proxy), "forward http://p") << by_proxy;
  }
}

TEST(ProxyRulesTest, LeavesOutAnIpv4AddressThatIsWrittenAsIpv6) {
  EXPECT_EQ(route(with_proxy("http://p", "10.0.0.0/8"), "http://[::ffff:10.0.0.1]"), "direct");
  EXPECT_EQ(route(with_proxy("http://p", "192.0.2.1"), "http://[::ffff:192.0.2.1]"), "direct");
  const ProxyRules mapped = with_proxy("http://p", "::ffff:10.0.0.0/104");
  EXPECT_EQ(route(mapped, "http://10.1.2.3"), "direct");
  EXPECT_EQ(route(mapped, "http://11.1.2.3"), "forward http://p");
}

TEST(ProxyRulesTest, RefusesExceptionsThatMeanNothing) {
  for (const char* wrong :
       {"10.0.0.0/33", "10.0.0.0/", "a.test/8", "a.test:0", "a.test:http", "a.*.test", "*a.test",
        "*.", "http://a.test", "[::1", "[::1]x", "::ffff:10.0.0.0/8", "::ffff:10.0.0.0/129"}) {
    ProcessorOptions options;
    options.no_proxy = std::string("ok.test,") + wrong;
    const auto rules = create(options);
    ASSERT_FALSE(rules.has_value()) << wrong;
    EXPECT_THAT(rules.error().message, testing::StartsWith("no_proxy must be "));
    EXPECT_THAT(rules.error().message, testing::EndsWith(std::string("got: ") + wrong));
  }
}

TEST(ProxyRulesTest, TakesTheUsualVariablesWhenAskedTo) {
  const ProxyRules both = of_environment(
      {{"http_proxy", "http://h:1"}, {"HTTPS_PROXY", "s:2"}, {"NO_PROXY", "a.test"}});
  EXPECT_EQ(route(both, "http://b.test"), "forward http://h:1");
  EXPECT_EQ(route(both, "https://b.test"), "tunnel http://s:2");
  EXPECT_EQ(route(both, "https://a.test"), "direct");
  const ProxyRules all = of_environment({{"ALL_PROXY", "http://all:1"}, {"https_proxy", ""}});
  EXPECT_EQ(route(all, "http://b.test"), "forward http://all:1");
  EXPECT_EQ(route(all, "https://b.test"), "tunnel http://all:1");
}

TEST(ProxyRulesTest, TakesNoProxyOfACgiRequest) {
  // A web server makes HTTP_PROXY of what its client sends as "Proxy:".
  EXPECT_EQ(route(of_environment({{"HTTP_PROXY", "http://evil:1"}}), "http://a.test"), "direct");
}

TEST(ProxyRulesTest, PrefersTheOptionToTheEnvironment) {
  ProcessorOptions options;
  options.proxy_url = "http://mine";
  options.no_proxy = "a.test";
  options.proxy_from_environment = true;
  const ProxyRules rules =
      create(options, {{"http_proxy", "http://other"}, {"no_proxy", "b.test"}}).value();
  EXPECT_EQ(route(rules, "http://c.test"), "forward http://mine");
  EXPECT_EQ(route(rules, "http://a.test"), "direct");
  EXPECT_EQ(route(rules, "http://b.test"), "direct");
}

TEST(ProxyRulesTest, NamesTheVariableThatIsWrong) {
  ProcessorOptions options;
  options.proxy_from_environment = true;
  const auto rules = create(options, {{"https_proxy", "socks5://user:hush@p"}});
  ASSERT_FALSE(rules.has_value());
  EXPECT_EQ(rules.error().message,
            "the environment variable https_proxy must be http://[user:password@]host[:port], or "
            "the same with https://");
}

}  // namespace
}  // namespace patient_http::engine
