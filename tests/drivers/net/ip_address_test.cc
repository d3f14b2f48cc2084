#include "drivers/net/ip_address.h"

#include <gtest/gtest.h>

namespace patient_http::net {
namespace {

std::vector<std::string> embedded(const char* text) {
  std::vector<std::string> found;
  for (const IpAddress& address : IpAddress::parse(text).value().embedded()) {
    found.push_back(address.text());
  }
  return found;
}

using Texts = std::vector<std::string>;

TEST(IpAddressTest, ReadsAddresses) {
  EXPECT_EQ(IpAddress::parse("192.0.2.1")->text(), "192.0.2.1");
  EXPECT_EQ(IpAddress::parse("2001:DB8:0:0::1")->text(), "2001:db8::1");
  EXPECT_TRUE(IpAddress::parse("192.0.2.1")->is_ipv4());
  EXPECT_FALSE(IpAddress::parse("2001:db8::1")->is_ipv4());
}

TEST(IpAddressTest, TakesAnIpv4AddressInTheFormOfIpv6ForWhatItIs) {
  const auto address = IpAddress::parse("169.254.169.254");
  EXPECT_EQ(IpAddress::parse("::ffff:169.254.169.254"), address);
  EXPECT_EQ(IpAddress::parse("::ffff:a9fe:a9fe"), address);
  EXPECT_EQ(IpAddress::parse("0:0:0:0:0:FFFF:A9FE:A9FE"), address);
  EXPECT_EQ(IpAddress(Address::parse("::ffff:a9fe:a9fe", 80).value()), address);
  EXPECT_EQ(IpAddress(Address::parse("169.254.169.254", 80).value()), address);
}

TEST(IpAddressTest, RefusesWhatIsNoAddress) {
  for (const char* wrong :
       {"", "example.com", "1.2.3", "2852039166", "0x7f.0.0.1", "0177.0.0.1", "1.2.3.4.",
        "1.2.3.256", "[::1]", "fe80::1%eth0", "::1%1", ":::", "1.2.3.4/32", " 1.2.3.4"}) {
    EXPECT_FALSE(IpAddress::parse(wrong).has_value()) << wrong;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0x", 9)).has_value());
}

TEST(IpAddressTest, KnowsUnspecifiedAddresses) {
  EXPECT_TRUE(IpAddress::parse("0.0.0.0")->is_unspecified());
  EXPECT_TRUE(IpAddress::parse("::")->is_unspecified());
  EXPECT_TRUE(IpAddress::parse("::ffff:0.0.0.0")->is_unspecified());
  EXPECT_FALSE(IpAddress::parse("::1")->is_unspecified());
}

TEST(IpAddressTest, FindsTheIpv4AddressInsideOfAnIpv6Address) {
  const Texts metadata = {"169.254.169.254"};
  EXPECT_EQ(embedded("::169.254.169.254"), metadata) << "IPv4-compatible";
  EXPECT_EQ(embedded("::ffff:0:169.254.169.254"), metadata) << "IPv4-translated";
  EXPECT_EQ(embedded("64:ff9b::a9fe:a9fe"), metadata) << "NAT64";
  EXPECT_EQ(embedded("2002:a9fe:a9fe::1"), metadata) << "6to4";
  EXPECT_EQ(embedded("2600:1::5efe:a9fe:a9fe"), metadata) << "ISATAP";
  EXPECT_EQ(embedded("2600:1::200:5efe:a9fe:a9fe"), metadata) << "ISATAP, unique address";
  EXPECT_EQ(embedded("2001:0:808:808:0:0:5601:5601"), (Texts{"8.8.8.8", "169.254.169.254"}))
      << "Teredo: its server and the client";
}

TEST(IpAddressTest, FindsItAtEachPlaceThatALocalNat64PrefixMayPutItTo) {
  const Texts metadata = {"169.254.169.254"};
  EXPECT_EQ(embedded("64:ff9b:1::a9fe:a9fe"), metadata) << "/96";
  EXPECT_EQ(embedded("64:ff9b:1:abcd:ef01:2345:a9fe:a9fe"), metadata) << "/96";
  EXPECT_EQ(embedded("64:ff9b:1:a9fe:a9:fe00::").front(), "169.254.169.254") << "/48";
  EXPECT_EQ(embedded("64:ff9b:1:aa:a9:fea9:fe00:0").back(), "254.0.0.0");
  const Texts of_56 = embedded("64:ff9b:1:aaa9:fe:a9fe::");
  EXPECT_NE(std::find(of_56.begin(), of_56.end(), "169.254.169.254"), of_56.end()) << "/56";
  const Texts of_64 = embedded("64:ff9b:1:aaaa:a9:fea9:fe00:0");
  EXPECT_NE(std::find(of_64.begin(), of_64.end(), "169.254.169.254"), of_64.end()) << "/64";
}

TEST(IpAddressTest, FindsNothingInOrdinaryAddresses) {
  for (const char* plain : {"192.0.2.1", "::ffff:192.0.2.1", "::", "::1", "2606:4700::1111",
                            "fe80::1", "2001:4860:4860::8888", "64:ff9c::a9fe:a9fe"}) {
    EXPECT_EQ(embedded(plain), Texts{}) << plain;
  }
}

}  // namespace
}  // namespace patient_http::net
