#include "engine/address_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace patient_http::engine {
namespace {

using testing::HasSubstr;

net::Address address(const std::string& ip, std::uint16_t port) {
  return net::Address::parse(ip, port).value();
}

// What the policy says of a name with this address, "allowed" or the reason.
std::string judge(const NetworkPolicy& policy, const std::string& ip, std::uint16_t port = 80,
                  const std::string& host = "a.test") {
  return AddressPolicy(policy, "p").refusal(host, address(ip, port)).value_or("allowed");
}
std::string judge_host(const NetworkPolicy& policy, const std::string& host,
                       std::uint16_t port = 80) {
  return AddressPolicy(policy, "p").refusal_of_host(host, port).value_or("allowed");
}

NetworkPolicy strict() {
  return {.deny_private_networks = true};
}

TEST(AddressPolicyTest, AllowsEverythingByDefault) {
  EXPECT_TRUE(AddressPolicy({}, "p").allows_all());
  EXPECT_EQ(judge({}, "127.0.0.1"), "allowed");
  EXPECT_EQ(judge_host({}, "localhost"), "allowed");
  // Which open what nothing closes.
  EXPECT_TRUE(AddressPolicy({.allow_networks = {"10.0.0.0/8"}, .allow_hosts = {"a.test"}}, "p")
                  .allows_all());
}

TEST(AddressPolicyTest, NamesTheAddressAndTheRule) {
  EXPECT_EQ(judge(strict(), "169.254.169.254"),
            "169.254.169.254 is a link-local address (169.254.0.0/16), denied by "
            "p.deny_private_networks");
  EXPECT_EQ(judge(strict(), "64:ff9b::a9fe:a9fe"),
            "64:ff9b::a9fe:a9fe may lead to an IPv4 address, and 169.254.169.254 is a link-local "
            "address (169.254.0.0/16), denied by p.deny_private_networks");
  EXPECT_EQ(judge({.deny_networks = {"192.0.2.0/24"}}, "192.0.2.7"),
            "192.0.2.7 is denied by p.deny_networks (192.0.2.0/24)");
  EXPECT_EQ(judge_host({.deny_hosts = {"*.a.test"}}, "x.a.test"),
            "the host is denied by p.deny_hosts (*.a.test)");
  EXPECT_EQ(judge_host({.deny_ports = {22}}, "a.test", 22), "port 22 is denied by p.deny_ports");
  EXPECT_EQ(judge_host({.allow_ports = {80, 443}}, "a.test", 22),
            "port 22 is not in p.allow_ports");
}

TEST(AddressPolicyTest, LeavesPublicServersAlone) {
  for (const char* ip : {"1.1.1.1", "93.184.215.14", "::ffff:8.8.8.8", "2606:4700:4700::1111"}) {
    EXPECT_EQ(judge(strict(), ip), "allowed") << ip;
    EXPECT_EQ(judge_host(strict(), ip), "allowed") << ip;
  }
  EXPECT_EQ(judge_host(strict(), "a.test"), "allowed") << "its addresses decide";
}

TEST(AddressPolicyTest, DeniesAnAddressInEachForm) {
  for (const char* ip :
       {"169.254.169.254", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::169.254.169.254",
        "::ffff:0:169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b:1::169.254.169.254",
        "64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::", "2001:0:808:808::5601:5601",
        "2600:1::5efe:169.254.169.254"}) {
    EXPECT_THAT(judge(strict(), ip), HasSubstr("169.254.169.254 is a link-local")) << ip;
    EXPECT_THAT(judge_host(strict(), ip), HasSubstr("169.254.169.254 is a link-local")) << ip;
    EXPECT_THAT(judge({.deny_networks = {"169.254.0.0/16"}}, ip), HasSubstr("p.deny_networks"))
        << ip;
    EXPECT_THAT(judge({.deny_hosts = {"169.254.169.254"}}, ip), HasSubstr("p.deny_hosts")) << ip;
  }
}

TEST(AddressPolicyTest, OpensWithAllowNetworksWhatIsPrivate) {
  NetworkPolicy policy = strict();
  policy.allow_networks = {"10.1.0.0/16", "fd00::/8"};
  EXPECT_EQ(judge(policy, "10.1.2.3"), "allowed");
  EXPECT_EQ(judge(policy, "::ffff:10.1.2.3"), "allowed");
  EXPECT_EQ(judge(policy, "fd00::1"), "allowed");
  EXPECT_NE(judge(policy, "10.2.2.3"), "allowed");
  EXPECT_NE(judge(policy, "127.0.0.1"), "allowed");
}

TEST(AddressPolicyTest, WantsBothAllowedWhereAnAddressHoldsAnother) {
  NetworkPolicy policy = strict();
  EXPECT_NE(judge(policy, "64:ff9b::8.8.8.8"), "allowed") << "the form itself is not public";
  policy.allow_networks = {"64:ff9b::/96"};
  EXPECT_EQ(judge(policy, "64:ff9b::8.8.8.8"), "allowed");
  EXPECT_NE(judge(policy, "64:ff9b::10.0.0.1"), "allowed");
  policy.allow_networks = {"10.0.0.0/8"};
  EXPECT_NE(judge(policy, "64:ff9b::10.0.0.1"), "allowed");
  policy.allow_networks = {"10.0.0.0/8", "64:ff9b::/96"};
  EXPECT_EQ(judge(policy, "64:ff9b::10.0.0.1"), "allowed");
}

TEST(AddressPolicyTest, OpensWithAllowHostsWhatTheirAddressesAre) {
  NetworkPolicy policy = strict();
  policy.allow_hosts = {"intranet.test", "*.lab.test", "port.test:8443", "10.0.0.1"};
  EXPECT_EQ(judge(policy, "10.2.2.3", 80, "intranet.test"), "allowed");
  EXPECT_EQ(judge(policy, "10.2.2.3", 80, "intranet.test."), "allowed");
  EXPECT_EQ(judge(policy, "10.2.2.3", 80, "x.y.lab.test"), "allowed");
  EXPECT_NE(judge(policy, "10.2.2.3", 80, "lab.test"), "allowed");
  EXPECT_NE(judge(policy, "10.2.2.3", 80, "x-intranet.test"), "allowed");
  EXPECT_EQ(judge(policy, "10.2.2.3", 8443, "port.test"), "allowed");
  EXPECT_NE(judge(policy, "10.2.2.3", 80, "port.test"), "allowed");
  EXPECT_EQ(judge_host(policy, "10.0.0.1"), "allowed");
  EXPECT_EQ(judge_host(policy, "::ffff:10.0.0.1"), "allowed");
  EXPECT_NE(judge_host(policy, "10.0.0.2"), "allowed");
}

TEST(AddressPolicyTest, DeniesBeforeItAllows) {
  NetworkPolicy policy{.deny_private_networks = true,
                       .allow_networks = {"10.0.0.0/8"},
                       .deny_networks = {"10.9.0.0/16"},
                       .allow_hosts = {"*.test", "bad.test"},
                       .deny_hosts = {"bad.test"},
                       .allow_ports = {80, 81},
                       .deny_ports = {81}};
  EXPECT_EQ(judge(policy, "10.1.0.1"), "allowed");
  EXPECT_THAT(judge(policy, "10.9.0.1"), HasSubstr("p.deny_networks"));
  EXPECT_EQ(judge_host(policy, "good.test"), "allowed");
  EXPECT_THAT(judge_host(policy, "bad.test"), HasSubstr("p.deny_hosts"));
  EXPECT_THAT(judge_host(policy, "good.test", 81), HasSubstr("p.deny_ports"));
}

TEST(AddressPolicyTest, KnowsAHostInOtherSpellings) {
  const NetworkPolicy policy{.deny_hosts = {"Bad.test", "*.bad.test.", "xn--mnchen-3ya.test"}};
  for (const char* host : {"bad.test", "bad.test.", "bad.test..", "x.bad.test", "x.y.bad.test.",
                           "xn--mnchen-3ya.test"}) {
    EXPECT_THAT(judge_host(policy, host), HasSubstr("p.deny_hosts")) << host;
  }
  for (const char* host : {"notbad.test", "bad.test.example", "test", "b.ad.test"}) {
    EXPECT_EQ(judge_host(policy, host), "allowed") << host;
  }
}

TEST(AddressPolicyTest, DeniesAHostThatIsAnAddressHoweverItIsFound) {
  const NetworkPolicy policy{.deny_hosts = {"192.0.2.1", "[2001:DB8:0::1]:8080"}};
  EXPECT_NE(judge(policy, "192.0.2.1", 80, "name.test"), "allowed");
  EXPECT_NE(judge_host(policy, "::ffff:c000:201"), "allowed");
  EXPECT_NE(judge(policy, "2001:db8::1", 8080, "name.test"), "allowed");
  EXPECT_EQ(judge(policy, "2001:db8::1", 80, "name.test"), "allowed") << "another port";
}

TEST(AddressPolicyTest, JudgesLocalhostBeforeAnybodyLooksItUp) {
  // A proxy would look it up, and find itself.
  for (const char* host : {"localhost", "localhost.", "x.localhost"}) {
    EXPECT_THAT(judge_host(strict(), host), HasSubstr("127.0.0.1 is a loopback address")) << host;
  }
  EXPECT_EQ(judge_host(strict(), "localhost.test"), "allowed");
  NetworkPolicy opened = strict();
  opened.allow_hosts = {"localhost"};
  EXPECT_EQ(judge_host(opened, "localhost"), "allowed");
  EXPECT_EQ(judge(opened, "::1", 80, "localhost"), "allowed");
}

TEST(AddressPolicyTest, DeniesItsOwnAddressWhateverElseIsAllowed) {
  const NetworkPolicy policy{.deny_private_networks = true,
                             .allow_networks = {"127.0.0.0/8", "::/0", "0.0.0.0/0"},
                             .allow_hosts = {"a.test"},
                             .own_addresses = {"127.0.0.1:8080", "[::1]:8081"}};
  EXPECT_EQ(judge(policy, "127.0.0.1", 8080),
            "127.0.0.1:8080 is an address of this program (p.own_addresses)");
  EXPECT_THAT(judge(policy, "::1", 8081), HasSubstr("[::1]:8081 is an address of this program"));
  EXPECT_NE(judge(policy, "::ffff:127.0.0.1", 8080), "allowed");
  EXPECT_NE(judge_host(policy, "127.0.0.1", 8080), "allowed");
  EXPECT_NE(judge_host(policy, "localhost", 8080), "allowed");
  EXPECT_NE(judge(policy, "0.0.0.0", 8080), "allowed") << "it reaches 127.0.0.1";
  EXPECT_NE(judge(policy, "::", 8081), "allowed");
  EXPECT_EQ(judge(policy, "127.0.0.1", 8082), "allowed");
  EXPECT_EQ(judge(policy, "127.0.0.2", 8080), "allowed");
}

TEST(AddressPolicyTest, TakesAnUnspecifiedAddressForAllOfTheMachine) {
  const net::IpAddress local = net::IpAddress::parse("192.0.2.1").value();
  const auto is_local = [local](const net::IpAddress& ip) { return ip == local; };
  for (const char* own : {"0.0.0.0:8080", "[::]:8080"}) {
    const AddressPolicy policy({.own_addresses = {own}}, "p", nullptr, is_local);
    EXPECT_TRUE(policy.refusal("a.test", address("192.0.2.1", 8080)).has_value());
    EXPECT_FALSE(policy.refusal("a.test", address("192.0.2.1", 8081)).has_value());
    EXPECT_FALSE(policy.refusal("a.test", address("192.0.2.2", 8080)).has_value());
  }
}

TEST(AddressPolicyTest, AsksTheMachineForItsAddresses) {
  const NetworkPolicy policy{.own_addresses = {"0.0.0.0:8080"}};
  EXPECT_NE(judge(policy, "127.0.0.1", 8080), "allowed");
  EXPECT_NE(judge(policy, "127.9.9.9", 8080), "allowed");
  EXPECT_EQ(judge(policy, "192.0.2.77", 8080), "allowed");
}

TEST(AddressPolicyTest, DeniesWhatTheOtherPolicyDenies) {
  const AddressPolicy trusted({.deny_networks = {"192.0.2.0/24"}, .deny_hosts = {"bad.test"}},
                              "network_policy");
  const AddressPolicy both({.allow_networks = {"192.0.2.0/24"}, .allow_hosts = {"bad.test"}},
                           "untrusted_network_policy", &trusted);
  EXPECT_FALSE(both.allows_all());
  EXPECT_THAT(both.refusal("a.test", address("192.0.2.1", 80)).value_or(""),
              HasSubstr("network_policy.deny_networks"));
  EXPECT_THAT(both.refusal_of_host("bad.test", 80).value_or(""),
              HasSubstr("network_policy.deny_hosts"));
  EXPECT_FALSE(both.refusal_of_host("good.test", 80).has_value());
}

}  // namespace
}  // namespace patient_http::engine
