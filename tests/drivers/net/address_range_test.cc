#include "drivers/net/address_range.h"

#include <gtest/gtest.h>

namespace patient_http::net {
namespace {

bool contains(const char* network, const char* address) {
  return AddressRange::parse(network).value().contains(IpAddress::parse(address).value());
}

TEST(AddressRangeTest, HoldsWhatIsBetweenItsFirstAndItsLastAddress) {
  for (const char* network : {"10.0.0.0/9", "::ffff:10.0.0.0/105", "::ffff:a00:0/105"}) {
    EXPECT_FALSE(contains(network, "9.255.255.255"));
    EXPECT_TRUE(contains(network, "10.0.0.0"));
    EXPECT_TRUE(contains(network, "10.127.255.255"));
    EXPECT_TRUE(contains(network, "::ffff:10.127.255.255"));
    EXPECT_FALSE(contains(network, "10.128.0.0"));
  }
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::"));
}

TEST(AddressRangeTest, HoldsOneAddressOrAll) {
  EXPECT_TRUE(contains("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(contains("192.0.2.1", "192.0.2.0"));
  EXPECT_TRUE(contains("0.0.0.0/0", "255.255.255.255"));
  EXPECT_TRUE(contains("::/0", "ffff::"));
}

TEST(AddressRangeTest, KeepsTheFamiliesApart) {
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_FALSE(contains("::/0", "192.0.2.1"));
  EXPECT_FALSE(contains("::/0", "::ffff:192.0.2.1")) << "which is an IPv4 address";
}

TEST(AddressRangeTest, IsWrittenInOneWay) {
  EXPECT_EQ(AddressRange::parse("10.0.0.0/8")->text(), "10.0.0.0/8");
  EXPECT_EQ(AddressRange::parse("::ffff:10.0.0.0/104")->text(), "10.0.0.0/8");
  EXPECT_EQ(AddressRange::parse("192.0.2.1/32")->text(), "192.0.2.1");
  EXPECT_EQ(AddressRange::parse("FC00:0::/7")->text(), "fc00::/7");
}

TEST(AddressRangeTest, NoticesBitsBehindThePrefix) {
  EXPECT_TRUE(AddressRange::parse("10.0.0.1/8")->has_bits_behind_prefix());
  EXPECT_TRUE(AddressRange::parse("fc00::1/127")->has_bits_behind_prefix());
  EXPECT_FALSE(AddressRange::parse("10.0.0.0/8")->has_bits_behind_prefix());
  EXPECT_FALSE(AddressRange::parse("10.0.0.1")->has_bits_behind_prefix());
}

TEST(AddressRangeTest, RefusesWhatIsNoNetwork) {
  for (const char* wrong : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/ 8",
                            "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0/8", "10/8", "::/129", "a.test/8",
                            "fe80::%eth0/10", "::ffff:10.0.0.0/95", "::ffff:10.0.0.0/129"}) {
    EXPECT_FALSE(AddressRange::parse(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace patient_http::net
