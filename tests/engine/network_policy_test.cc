#include "patient_http/network_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "patient_http/processor_options.h"

namespace patient_http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NetworkPolicyTest, TakesWhatItSays) {
  const NetworkPolicy policy{
      .deny_private_networks = true,
      .allow_networks = {"10.0.0.0/8", "192.0.2.1", "fc00::/7", "::1", "::ffff:10.0.0.0/104"},
      .deny_networks = {"0.0.0.0/0", "::/0"},
      .allow_hosts = {"api.example.com", "*.example.com", "x.test:8443", "[::1]:8080", "10.0.0.1"},
      .deny_hosts = {"xn--mnchen-3ya.test"},
      .allow_ports = {1, 65535},
      .deny_ports = {25},
      .own_addresses = {"127.0.0.1:8080", "[::1]:8080", "0.0.0.0:80"}};
  EXPECT_THAT(policy.validate("p"), IsEmpty());
}

TEST(NetworkPolicyTest, SaysAllThatIsWrongAtOnce) {
  const NetworkPolicy policy{.allow_networks = {"10.0.0.0/8", "10.0.0.0/33", "10.0.0.1/8"},
                             .deny_networks = {"a.test"},
                             .allow_hosts = {"http://a.test", "*.b.*", "*.0.1"},
                             .deny_hosts = {"münchen.test"},
                             .allow_ports = {0},
                             .deny_ports = {80, 0},
                             .own_addresses = {"127.0.0.1", "localhost:80"}};
  EXPECT_THAT(
      policy.validate("p"),
      ElementsAre(
          "p.allow_networks must be networks such as 10.0.0.0/8, or addresses, got: "
          "\"10.0.0.0/33\"",
          "p.allow_networks must be networks whose addresses have no bits set behind the prefix, "
          "as in 10.0.0.0/8, got: \"10.0.0.1/8\"",
          "p.deny_networks must be networks such as 10.0.0.0/8, or addresses, got: \"a.test\"",
          "p.allow_hosts must be hosts such as api.example.com, *.example.com or [::1]:8080, got: "
          "\"http://a.test\"",
          "p.allow_hosts must be hosts such as api.example.com, *.example.com or [::1]:8080, got: "
          "\"*.b.*\"",
          "p.allow_hosts must be hosts such as api.example.com, *.example.com or [::1]:8080, got: "
          "\"*.0.1\"",
          "p.deny_hosts must have hosts of other alphabets in the form xn--…, got: "
          "\"münchen.test\"",
          "p.allow_ports must be ports from 1 to 65535, got: 0",
          "p.deny_ports must be ports from 1 to 65535, got: 0",
          "p.own_addresses must be addresses with a port, such as 127.0.0.1:8080 or [::1]:8080, "
          "got: \"127.0.0.1\"",
          "p.own_addresses must be addresses with a port, such as 127.0.0.1:8080 or [::1]:8080, "
          "got: \"localhost:80\""));
}

TEST(NetworkPolicyTest, RefusesAHostWithTwoPointsAtItsEnd) {
  // It was taken, and fitted nothing: a rule that denies nothing.
  EXPECT_THAT(NetworkPolicy{.deny_hosts = {"a.test."}}.validate("p"), IsEmpty());
  EXPECT_THAT(NetworkPolicy{.deny_hosts = {"a.test.."}}.validate("p"), testing::SizeIs(1));
}

TEST(NetworkPolicyTest, IsCheckedWithTheOtherOptions) {
  ProcessorOptions options;
  options.retries = -1;
  options.network_policy.deny_ports = {0};
  options.untrusted_network_policy.allow_networks = {"x"};
  EXPECT_THAT(options.validate(),
              ElementsAre("retries must be 0 or more, got: -1",
                          "network_policy.deny_ports must be ports from 1 to 65535, got: 0",
                          "untrusted_network_policy.allow_networks must be networks such as "
                          "10.0.0.0/8, or addresses, got: \"x\""));
}

TEST(NetworkPolicyTest, DeniesPrivateNetworksToUntrustedRequestsByDefault) {
  EXPECT_FALSE(ProcessorOptions().network_policy.deny_private_networks);
  EXPECT_TRUE(ProcessorOptions().untrusted_network_policy.deny_private_networks);
}

}  // namespace
}  // namespace patient_http
