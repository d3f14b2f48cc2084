#include "drivers/net/address_order.h"

#include <gtest/gtest.h>

namespace patient_http::net {
namespace {

std::vector<Address> parse(const std::vector<std::string>& ips) {
  std::vector<Address> addresses;
  for (const std::string& ip : ips) addresses.push_back(Address::parse(ip, 0).value());
  return addresses;
}

std::string text(const std::vector<Address>& addresses) {
  std::string result;
  for (const Address& address : addresses) result += address.text() + " ";
  return result;
}

TEST(AddressOrderTest, TakesTheFamiliesByTurns) {
  EXPECT_EQ(text(interleave(parse({"::1", "::2", "::3", "192.0.2.1", "192.0.2.2"}))),
            "[::1]:0 192.0.2.1:0 [::2]:0 192.0.2.2:0 [::3]:0 ");
  EXPECT_EQ(text(interleave(parse({"192.0.2.1", "192.0.2.2", "::1"}))),
            "192.0.2.1:0 [::1]:0 192.0.2.2:0 ");
  EXPECT_EQ(text(interleave({})), "");
}

TEST(AddressOrderTest, BeginsWithTheOneThatIsPreferredForAWhile) {
  const TimePoint now;
  AddressOrder order;
  const auto addresses = parse({"::1", "192.0.2.1", "192.0.2.2"});
  order.prefer("a.test", Address::parse("192.0.2.2", 443).value(), now);
  EXPECT_EQ(text(order.order("a.test", addresses, now)), "192.0.2.2:0 [::1]:0 192.0.2.1:0 ");
  EXPECT_EQ(text(order.order("b.test", addresses, now)), "[::1]:0 192.0.2.1:0 192.0.2.2:0 ");
  EXPECT_EQ(text(order.order("a.test", addresses, now + std::chrono::minutes(10))),
            "[::1]:0 192.0.2.1:0 192.0.2.2:0 ");
}

TEST(AddressOrderTest, LeavesAnswersWithoutThePreferredOneAsTheyAre) {
  const TimePoint now;
  AddressOrder order;
  order.prefer("a.test", Address::parse("192.0.2.9", 443).value(), now);
  EXPECT_EQ(text(order.order("a.test", parse({"192.0.2.1", "192.0.2.2"}), now)),
            "192.0.2.1:0 192.0.2.2:0 ");
}

}  // namespace
}  // namespace patient_http::net
