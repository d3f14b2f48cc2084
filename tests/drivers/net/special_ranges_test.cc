#include "drivers/net/special_ranges.h"

#include <gtest/gtest.h>

#include <string>

namespace patient_http::net {
namespace {

// The network and the name of the first range that holds it, or "public".
std::string range_of(const std::string& address) {
  const auto ip = IpAddress::parse(address).value();
  for (const SpecialRange& special : special_ranges()) {
    if (special.range.contains(ip)) return std::string(special.network);
  }
  return "public";
}

struct Borders {
  const char* before;  // "" where there is none
  const char* first;
  const char* last;
  const char* after;
  // Of `before` and `after`, when they are special, too.
  const char* network_before = "public";
  const char* network_after = "public";
};

void check(const char* network, const Borders& borders) {
  SCOPED_TRACE(network);
  EXPECT_EQ(range_of(borders.first), network) << borders.first;
  EXPECT_EQ(range_of(borders.last), network) << borders.last;
  if (*borders.before != '\0') {
    EXPECT_EQ(range_of(borders.before), borders.network_before);
  }
  if (*borders.after != '\0') {
    EXPECT_EQ(range_of(borders.after), borders.network_after);
  }
}

TEST(SpecialRangesTest, HoldEachRangeOfIpv4FromItsFirstToItsLastAddress) {
  check("0.0.0.0/8", {"", "0.0.0.0", "0.255.255.255", "1.0.0.0"});
  check("10.0.0.0/8", {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"});
  check("100.64.0.0/10", {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"});
  check("127.0.0.0/8", {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"});
  check("168.63.129.16/32", {"168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"});
  check("169.254.0.0/16", {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"});
  check("172.16.0.0/12", {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"});
  check("192.0.0.0/24", {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"});
  check("192.0.2.0/24", {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"});
  check("192.88.99.0/24", {"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"});
  check("192.168.0.0/16", {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"});
  check("198.18.0.0/15", {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"});
  check("198.51.100.0/24", {"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"});
  check("203.0.113.0/24", {"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"});
  check("224.0.0.0/4",
        {"223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "public", "240.0.0.0/4"});
  check("240.0.0.0/4", {"239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255",
                        "224.0.0.0/4", "255.255.255.255/32"});
}

TEST(SpecialRangesTest, HoldEachRangeOfIpv6FromItsFirstToItsLastAddress) {
  check("::/128", {"", "::", "::", "::1", "", "::1/128"});
  check("::/96", {"::1", "::2", "::ffff:ffff", "::1:0:0", "::1/128", "::/3"});
  check("::ffff:0:0:0/96", {"::fffe:ffff:ffff:ffff", "::ffff:0:0:0", "::ffff:0:ffff:ffff",
                            "::ffff:1:0:0", "::/3", "::/3"});
  check("64:ff9b::/96", {"64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::", "64:ff9b::ffff:ffff",
                         "64:ff9b::1:0:0", "::/3", "::/3"});
  check("64:ff9b:1::/48", {"64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "64:ff9b:1::",
                           "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::", "::/3", "::/3"});
  check("100::/64", {"ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "100::", "100::ffff:ffff:ffff:ffff",
                     "100:0:0:1::", "::/3", "::/3"});
  check("2001::/32", {"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::",
                      "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2001:1::", "public", "2001::/23"});
  check("2001:2::/48",
        {"2001:1:ffff:ffff:ffff:ffff:ffff:ffff", "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff",
         "2001:2:1::", "2001::/23", "2001::/23"});
  check("2001:10::/28", {"2001:f:ffff:ffff:ffff:ffff:ffff:ffff",
                         "2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff",
                         "2001:20::", "2001::/23", "2001:20::/28"});
  check("2001:20::/28", {"2001:1f:ffff:ffff:ffff:ffff:ffff:ffff",
                         "2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff",
                         "2001:30::", "2001:10::/28", "2001::/23"});
  check("2001::/23", {"", "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"});
  check("2001:db8::/32", {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
                          "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"});
  check("2002::/16", {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                      "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"});
  check("3fff::/20", {"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                      "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"});
  check("5f00::/16", {"5eff::", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                      "5f01::", "4000::/2", "4000::/2"});
  check("fc00::/7", {"fbff::", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                     "fe00::", "8000::/1", "8000::/1"});
  check("fe80::/10", {"fe7f::", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                      "fec0::", "8000::/1", "fec0::/10"});
  check("fec0::/10", {"febf::", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                      "ff00::", "fe80::/10", "ff00::/8"});
  check("ff00::/8",
        {"feff::", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "fec0::/10"});
}

TEST(SpecialRangesTest, LeaveNothingOfIpv6OutsideOfWhatIsGivenToServers) {
  check("::/3", {"", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                 "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"});
  check("4000::/2", {"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                     "4000::", "7fff::", "8000::", "public", "8000::/1"});
  check("8000::/1", {"7fff::", "8000::", "fbff::", "fc00::", "4000::/2", "fc00::/7"});
}

TEST(SpecialRangesTest, HoldWhatCloudsKeepTheirMetadataAt) {
  // AWS over IPv6, Google over IPv6, Alibaba, Oracle, Azure.
  EXPECT_EQ(range_of("fd00:ec2::254"), "fc00::/7");
  EXPECT_EQ(range_of("fd20:ce::254"), "fc00::/7");
  EXPECT_EQ(range_of("100.100.100.200"), "100.64.0.0/10");
  EXPECT_EQ(range_of("192.0.0.192"), "192.0.0.0/24");
  EXPECT_EQ(range_of("168.63.129.16"), "168.63.129.16/32");
}

TEST(SpecialRangesTest, LeavePublicServersAlone) {
  for (const char* server : {"1.1.1.1", "8.8.8.8", "93.184.215.14", "::ffff:8.8.8.8",
                             "2606:4700:4700::1111", "2a00:1450:4001::200e", "2400:cb00::1"}) {
    EXPECT_EQ(range_of(server), "public") << server;
  }
}

}  // namespace
}  // namespace patient_http::net
