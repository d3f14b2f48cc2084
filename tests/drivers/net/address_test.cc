#include "drivers/net/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace patient_http::net {
namespace {

TEST(AddressTest, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(Address::parse("192.0.2.1", 443)->text(), "192.0.2.1:443");
  EXPECT_EQ(Address::parse("2001:db8::1", 80)->text(), "[2001:db8::1]:80");
  EXPECT_EQ(Address::parse("::", 65535)->text(), "[::]:65535");
  EXPECT_EQ(Address::parse("192.0.2.1", 0)->family(), AF_INET);
  EXPECT_EQ(Address::parse("::1", 0)->family(), AF_INET6);
}

TEST(AddressTest, IsNothingForWhatIsNoAddress) {
  for (const char* text : {"", "localhost", "192.0.2", "192.0.2.256", "0x7f.1", "127.1", "[::1]",
                           "::1%lo", "1.2.3.4 "}) {
    EXPECT_FALSE(Address::parse(text, 1).has_value()) << text;
  }
}

TEST(AddressTest, ChangesItsPortOnly) {
  Address v4 = *Address::parse("192.0.2.1", 1);
  Address v6 = *Address::parse("2001:db8::1", 1);
  v4.set_port(8080);
  v6.set_port(8080);
  EXPECT_EQ(v4.text(), "192.0.2.1:8080");
  EXPECT_EQ(v6.text(), "[2001:db8::1]:8080");
}

TEST(AddressTest, CopiesASocketAddress) {
  const Address original = *Address::parse("2001:db8::7", 5);
  const Address copy(original.get(), original.length());
  EXPECT_EQ(copy.length(), sizeof(sockaddr_in6));
  EXPECT_EQ(copy.text(), "[2001:db8::7]:5");
}

}  // namespace
}  // namespace patient_http::net
