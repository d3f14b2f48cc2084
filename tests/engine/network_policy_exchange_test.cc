// Requests with urls of strangers, over the wire. The server at 127.0.0.1 stands for the public
// ones, since its address is allowed; nothing may come in at 127.0.0.2, on the same port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "patient_http/inline_executor.h"
#include "patient_http/processor.h"
#include "support/counting_listener.h"
#include "support/recording_task_handler.h"
#include "support/test_dns_server.h"
#include "support/test_http2_server.h"
#include "support/test_http_server.h"
#include "support/test_proxy.h"

namespace patient_http {
namespace {

using test::CountingListener;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestCertificate;
using test::TestDnsServer;
using test::TestHttp2Server;
using test::TestHttpServer;
using test::TestProxy;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class NetworkPolicyExchangeTest : public testing::Test {
 protected:
  NetworkPolicyExchangeTest() {
    options_.name_servers = dns_.address();
    options_.request_timeout = Seconds{20};
    options_.retries = 3;
    options_.retry_delay = Seconds{0.001};
    options_.ca_file = TestCertificate::get().ca_file;
    options_.untrusted_network_policy.allow_networks = {"127.0.0.1"};
  }
  ~NetworkPolicyExchangeTest() override { EXPECT_EQ(inside_.count(), 0) << "it was dialled"; }

  InlineExecutor& executor() {
    if (!executor_) executor_.emplace(options_);
    return *executor_;
  }
  Result<Response, Error> send(const std::string& url, bool is_untrusted = true) {
    return executor().send(Request::create({.url = url, .is_untrusted = is_untrusted}).value());
  }
  // Sends it and expects that it is denied; gives the message.
  std::string denied(const std::string& url, bool is_untrusted = true) {
    const auto response = send(url, is_untrusted);
    EXPECT_FALSE(response.has_value()) << url;
    if (response.has_value()) return {};
    EXPECT_EQ(response.error().kind(), ErrorKind::kPolicy) << response.error().message();
    EXPECT_EQ(response.error().error_type(), "unknown");
    EXPECT_THAT(response.error().message(), StartsWith("policy: "));
    return response.error().message();
  }
  void redirect(const std::string& location) {
    server_.answer("/from", 302, "", "location: " + location + "\r\n");
  }
  std::string port() const { return std::to_string(server_.port()); }

  TestDnsServer dns_;
  TestHttpServer server_;
  CountingListener inside_{"127.0.0.2", server_.port()};
  ProcessorOptions options_;
  std::optional<InlineExecutor> executor_;
};

TEST_F(NetworkPolicyExchangeTest, SendsNothingToAnAddressThatIsDenied) {
  EXPECT_EQ(denied("http://127.0.0.2:" + port() + "/path?secret=1"),
            "policy: nothing may be sent to 127.0.0.2:" + port() +
                ": 127.0.0.2 is a loopback address (127.0.0.0/8), denied by "
                "untrusted_network_policy.deny_private_networks");
}

TEST_F(NetworkPolicyExchangeTest, LetsTrustedRequestsGoAnywhereByDefault) {
  EXPECT_TRUE(send(server_.url("/"), false).has_value());
  dns_.add("inside.test", {"127.0.0.1"});
  EXPECT_TRUE(send(server_.url("/", "inside.test"), false).has_value());
}

TEST_F(NetworkPolicyExchangeTest, JudgesTheAddressesOfAName) {
  dns_.add("inside.test", {"127.0.0.2"});
  EXPECT_EQ(denied(server_.url("/path?secret=1", "inside.test")),
            "policy: nothing may be sent to inside.test:" + port() +
                ": 127.0.0.2 is a loopback address (127.0.0.0/8), denied by "
                "untrusted_network_policy.deny_private_networks");
  EXPECT_EQ(dns_.queries_for("inside.test"), 1) << "tried again";
}

TEST_F(NetworkPolicyExchangeTest, JudgesWhereACnameLeads) {
  dns_.add("target.test", {"127.0.0.2"});
  dns_.add_alias("alias.test", "target.test");
  EXPECT_THAT(denied(server_.url("/", "alias.test")), HasSubstr("alias.test:"));
  dns_.add("public.test", {"127.0.0.1"});
  dns_.add_alias("good.test", "public.test");
  EXPECT_TRUE(send(server_.url("/", "good.test")).has_value());
}

TEST_F(NetworkPolicyExchangeTest, RefusesANameThatMixesAddresses) {
  // Whoever could make us try the second when the first does not answer has what he wants.
  dns_.add("mixed.test", {"127.0.0.1", "127.0.0.2"});
  EXPECT_THAT(denied(server_.url("/", "mixed.test")),
              EndsWith("; with one such address among 2 the name is refused as a whole"));
  dns_.add("reversed.test", {"127.0.0.2", "127.0.0.1"});
  denied(server_.url("/", "reversed.test"));
  dns_.add("both.test", {"127.0.0.1", "::ffff:127.0.0.2"});
  denied(server_.url("/", "both.test"));
  EXPECT_EQ(server_.connection_count(), 0);
}

TEST_F(NetworkPolicyExchangeTest, JudgesAllAddressesOfANameAlsoThoseThatAreNeverTried) {
  std::vector<std::string> many(20, "127.0.0.1");
  many.push_back("127.0.0.2");
  dns_.add("many.test", many);
  denied(server_.url("/", "many.test"));
  EXPECT_EQ(server_.connection_count(), 0);
}

TEST_F(NetworkPolicyExchangeTest, JudgesTheFormsOfIpv6) {
  int number = 0;
  for (const char* ip : {"::ffff:127.0.0.2", "64:ff9b::127.0.0.2", "2002:7f00:2::", "::1",
                         "::127.0.0.2", "fd00:ec2::254", "::"}) {
    const std::string name = "name" + std::to_string(++number) + ".test";
    dns_.add(name, {ip});
    EXPECT_THAT(denied(server_.url("/", name)), HasSubstr("denied by")) << ip;
    denied("http://[" + std::string(ip) + "]:" + port() + "/");
  }
  EXPECT_EQ(server_.connection_count(), 0);
}

TEST_F(NetworkPolicyExchangeTest, LooksANameUpOnceForADial) {
  dns_.add("once.test", {"127.0.0.1"}, 0);
  EXPECT_TRUE(send(server_.url("/", "once.test")).has_value());
  EXPECT_EQ(dns_.queries_for("once.test"), 1);
}

TEST_F(NetworkPolicyExchangeTest, JudgesANameAnewWhenItsAnswerHasChanged) {
  // DNS rebinding: what was public when somebody looked is inside when it is dialled.
  dns_.add("rebind.test", {"127.0.0.1"}, 0);
  server_.on("/", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(TestHttpServer::response(200, "ok", "connection: close\r\n"));
    peer.close();
  });
  EXPECT_TRUE(send(server_.url("/", "rebind.test")).has_value());
  dns_.add("rebind.test", {"127.0.0.2"}, 0);
  denied(server_.url("/", "rebind.test"));
  EXPECT_EQ(server_.connection_count(), 1);
}

TEST_F(NetworkPolicyExchangeTest, JudgesTheNextAttemptAnew) {
  dns_.add("rebind.test", {"127.0.0.1"}, 0);
  server_.on("/", [this](const ReceivedRequest&, ServerConnection& peer) {
    dns_.add("rebind.test", {"127.0.0.2"}, 0);
    peer.reset();
  });
  denied(server_.url("/", "rebind.test"));
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(NetworkPolicyExchangeTest, JudgesTheNextHopToTheSameNameAnew) {
  dns_.add("rebind.test", {"127.0.0.1"}, 0);
  server_.on("/from", [this](const ReceivedRequest&, ServerConnection& peer) {
    dns_.add("rebind.test", {"127.0.0.2"}, 0);
    peer.send(TestHttpServer::response(302, "", "location: /to\r\nconnection: close\r\n"));
    peer.close();
  });
  denied(server_.url("/from", "rebind.test"));
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(NetworkPolicyExchangeTest, FollowsNoRedirectToMetadataInWhateverNotation) {
  for (const std::string host :
       {"169.254.169.254", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
        "[0:0:0:0:0:FFFF:A9FE:A9FE]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]",
        "[::169.254.169.254]", "user@169.254.169.254", "[fd00:ec2::254]"}) {
    redirect("http://" + host + "/latest/meta-data/?secret=1");
    const std::string message = denied(server_.url("/from"));
    EXPECT_THAT(message, testing::Not(HasSubstr("meta-data"))) << host;
    EXPECT_THAT(message, testing::Not(HasSubstr("secret"))) << host;
  }
}

TEST_F(NetworkPolicyExchangeTest, FollowsNoRedirectToANotationThatIsNone) {
  // They are addresses to some, and nothing to us: no url, or a name that does not exist.
  for (const std::string host :
       {"2852039166", "0251.0376.0251.0376", "169.254.43518", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe",
        "169.254.169.254.", "169.254.169.0376", "169.254.169.%32%35%34", "[fe80::1%25eth0]",
        "\xef\xbc\x91\xef\xbc\x96\xef\xbc\x99.254.169.254"}) {
    redirect("http://" + host + "/");
    const auto response = send(server_.url("/from"));
    ASSERT_FALSE(response.has_value()) << host;
    EXPECT_THAT(response.error().kind(), testing::AnyOf(ErrorKind::kInvalidRedirect,
                                                        ErrorKind::kResolve, ErrorKind::kPolicy))
        << host << ": " << response.error().message();
  }
}

TEST_F(NetworkPolicyExchangeTest, FollowsNoRedirectToANameInside) {
  dns_.add("outside.test", {"127.0.0.1"});
  dns_.add("inside.test", {"127.0.0.2"});
  redirect("http://inside.test:" + port() + "/");
  const auto response = send(server_.url("/from", "outside.test"));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind(), ErrorKind::kPolicy);
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(NetworkPolicyExchangeTest, SharesNoConnectionBetweenTrustedAndUntrusted) {
  options_.untrusted_network_policy.allow_networks = {};
  dns_.add("inside.test", {"127.0.0.1"});
  const std::string url = server_.url("/", "inside.test");
  EXPECT_TRUE(send(url, false).has_value());
  denied(url, true);
  EXPECT_TRUE(send(url, false).has_value());
  EXPECT_EQ(server_.connection_count(), 1) << "trusted ones share theirs";
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(NetworkPolicyExchangeTest, SharesNoConnectionOfHttp2BetweenTrustedAndUntrusted) {
  options_.untrusted_network_policy.allow_networks = {};
  options_.protocol = HttpProtocol::kHttp2;
  TestHttp2Server server({.is_tls = false});
  dns_.add("inside.test", {"127.0.0.1"});
  std::string url = server.url("/");
  url.replace(url.find("127.0.0.1"), std::string("127.0.0.1").size(), "inside.test");
  EXPECT_TRUE(send(url, false).has_value());
  denied(url, true);
  EXPECT_TRUE(send(url, false).has_value());
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[1].connection, requests[0].connection) << "trusted ones share theirs";
}

TEST_F(NetworkPolicyExchangeTest, SharesConnectionsWhereBothMayGoAnywhere) {
  options_.untrusted_network_policy = {};
  EXPECT_TRUE(send(server_.url("/"), false).has_value());
  EXPECT_TRUE(send(server_.url("/"), true).has_value());
  EXPECT_EQ(server_.connection_count(), 1);
}

TEST_F(NetworkPolicyExchangeTest, JudgesTrustedRequestsByTheirOwnPolicy) {
  options_.network_policy.deny_private_networks = true;
  EXPECT_THAT(denied(server_.url("/"), false), EndsWith("network_policy.deny_private_networks"));
}

TEST_F(NetworkPolicyExchangeTest, LoosensNothingForAnUntrustedRequest) {
  // What is denied to all is denied to strangers, whatever is allowed to them.
  options_.network_policy.deny_networks = {"127.0.0.1"};
  EXPECT_THAT(denied(server_.url("/"), true), HasSubstr(" network_policy.deny_networks"));
}

TEST_F(NetworkPolicyExchangeTest, ObeysHostsAndPorts) {
  dns_.add("bad.test", {"127.0.0.1"});
  options_.untrusted_network_policy.deny_hosts = {"bad.test"};
  options_.untrusted_network_policy.deny_ports = {25};
  EXPECT_THAT(denied(server_.url("/", "BAD.test.")), HasSubstr("deny_hosts"));
  EXPECT_THAT(denied("http://a.test:25/"), HasSubstr("port 25 is denied"));
  EXPECT_EQ(dns_.queries_for("bad.test") + dns_.queries_for("a.test"), 0) << "before a look-up";
}

TEST_F(NetworkPolicyExchangeTest, SendsNothingToItsOwnAddress) {
  options_.untrusted_network_policy.own_addresses = {"127.0.0.1:" + port()};
  dns_.add("self.test", {"127.0.0.1"});
  EXPECT_THAT(denied(server_.url("/", "self.test")), HasSubstr("an address of this program"));
}

TEST_F(NetworkPolicyExchangeTest, JudgesHostsThatAreAddressesAlsoWithAProxy) {
  const TestProxy proxy;
  options_.proxy_url = "http://" + proxy.address();
  options_.untrusted_network_policy.allow_networks = {};
  denied("http://127.0.0.2:" + port() + "/");
  denied("http://localhost:" + port() + "/");
  denied("http://[::ffff:169.254.169.254]/");
  EXPECT_EQ(proxy.count("GET"), 0);
}

TEST_F(NetworkPolicyExchangeTest, DoesNotJudgeTheProxyItself) {
  options_.untrusted_network_policy.allow_networks = {};
  options_.proxy_url = server_.url("");
  EXPECT_TRUE(send("http://a.test/x").has_value()) << "the proxy looks names up, and judges them";
  EXPECT_EQ(server_.requests().at(0).target, "http://a.test/x");
}

TEST_F(NetworkPolicyExchangeTest, JudgesWhatGoesPastTheProxy) {
  options_.proxy_url = server_.url("");
  options_.no_proxy = "inside.test";
  dns_.add("inside.test", {"127.0.0.2"});
  denied("http://inside.test:" + port() + "/");
}

TEST_F(NetworkPolicyExchangeTest, DeniesManyAtOnceWithoutTryingAgain) {
  dns_.add("inside.test", {"127.0.0.2"});
  test::RecordingTaskHandler handler;
  Processor processor(options_);
  processor.start();
  constexpr std::size_t kMany = 30;
  for (std::size_t i = 0; i < kMany; ++i) {
    const bool is_tls = i % 2 == 0;
    const std::string url = (is_tls ? "https" : "http") + server_.url("/", "inside.test").substr(4);
    ASSERT_TRUE(processor.enqueue(test::make_task({.url = url, .is_untrusted = true}, handler))
                    .has_value());
  }
  for (const auto& outcome : handler.wait_for(kMany)) {
    ASSERT_TRUE(outcome.error.has_value());
    EXPECT_EQ(outcome.error->kind(), ErrorKind::kPolicy) << outcome.error->message();
  }
}

}  // namespace
}  // namespace patient_http
