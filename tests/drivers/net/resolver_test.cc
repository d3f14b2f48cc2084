#include "drivers/net/resolver.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "support/temporary_folder.h"
#include "support/test_dns_server.h"

namespace patient_http::net {
namespace {

using namespace std::chrono_literals;
using test::TestDnsServer;

class Waiter final : public ResolveWaiter {
 public:
  void on_resolved(const std::vector<Address>& addresses) override {
    for (const Address& address : addresses) result += address.text() + " ";
    done();
  }
  void on_resolve_failed(const NetFailure& failure) override {
    EXPECT_EQ(failure.kind, NetFailure::Kind::kResolve);
    result = "failed: " + failure.message;
    done();
  }

  std::string result;
  int calls = 0;
  std::function<void()> then;

 private:
  void done() {
    ++calls;
    if (then) then();
  }
};

class ResolverTest : public testing::Test {
 protected:
  // Turns the loop until the waiter was told, or for a long time.
  void turn_until(const std::function<bool()>& done) {
    const auto latest = std::chrono::steady_clock::now() + 30s;
    while (!done() && std::chrono::steady_clock::now() < latest) loop_.turn(latest);
  }
  std::string resolve(const std::string& host) {
    Waiter waiter;
    resolver_.resolve(host, waiter);
    EXPECT_EQ(waiter.calls, 0) << "told from inside resolve()";
    turn_until([&] { return waiter.calls > 0; });
    return waiter.result;
  }

  TestDnsServer dns_;
  EventLoop loop_;
  Resolver resolver_{loop_, dns_.address()};
};

TEST_F(ResolverTest, GivesAllAddressesOfAName) {
  dns_.add("two.test", {"192.0.2.1", "192.0.2.2"});
  const std::string result = resolve("two.test");
  EXPECT_THAT(result, testing::HasSubstr("192.0.2.1:0 "));
  EXPECT_THAT(result, testing::HasSubstr("192.0.2.2:0 "));
}

TEST_F(ResolverTest, SaysThatANameDoesNotExist) {
  EXPECT_EQ(resolve("nowhere.test"), "failed: look-up of nowhere.test: Domain name not found");
}

TEST_F(ResolverTest, RefusesWhatIsNoNameWithoutAsking) {
  const std::string too_long(300, 'x');
  EXPECT_THAT(resolve(too_long), testing::StartsWith("failed: look-up of "));
  EXPECT_EQ(dns_.queries_for(too_long), 0);
}

TEST_F(ResolverTest, SharesOneQueryAmongLookUpsAtTheSameTime) {
  dns_.add("one.test", {"192.0.2.1"});
  std::vector<Waiter> waiters(200);
  for (Waiter& waiter : waiters) resolver_.resolve("one.test", waiter);
  turn_until([&] { return waiters.back().calls > 0; });
  for (const Waiter& waiter : waiters) {
    EXPECT_EQ(waiter.calls, 1);
    EXPECT_EQ(waiter.result, "192.0.2.1:0 ");
  }
  EXPECT_EQ(dns_.queries_for("one.test"), 1);
}

TEST_F(ResolverTest, RemembersAnAnswerForItsLife) {
  dns_.add("short.test", {"192.0.2.1"}, 1);
  EXPECT_EQ(resolve("short.test"), "192.0.2.1:0 ");
  const auto answered = std::chrono::steady_clock::now();
  dns_.add("short.test", {"192.0.2.2"}, 1);
  EXPECT_EQ(resolve("short.test"), "192.0.2.1:0 ");
  EXPECT_EQ(dns_.queries_for("short.test"), 1);
  // The life of the answer is what passes here.
  while (std::chrono::steady_clock::now() < answered + 1100ms) loop_.turn(answered + 1100ms);
  EXPECT_EQ(resolve("short.test"), "192.0.2.2:0 ");
}

TEST_F(ResolverTest, GivesAnAnswerWithoutLifeToThoseWhoWaitForIt) {
  dns_.add("moving.test", {"192.0.2.1"}, 0);
  std::vector<Waiter> waiters(200);
  for (Waiter& waiter : waiters) resolver_.resolve("moving.test", waiter);
  turn_until([&] { return waiters.back().calls > 0; });
  for (const Waiter& waiter : waiters) EXPECT_EQ(waiter.result, "192.0.2.1:0 ");
  EXPECT_EQ(dns_.queries_for("moving.test"), 1);
  dns_.add("moving.test", {"192.0.2.2"}, 0);
  EXPECT_EQ(resolve("moving.test"), "192.0.2.2:0 ");
}

TEST_F(ResolverTest, AsksAnewForAWaiterThatComesWhileOthersAreTold) {
  dns_.add("moving.test", {"192.0.2.1"}, 0);
  Waiter first;
  Waiter second;
  first.then = [&] { resolver_.resolve("moving.test", second); };
  resolver_.resolve("moving.test", first);
  turn_until([&] { return second.calls > 0; });
  EXPECT_EQ(second.result, "192.0.2.1:0 ");
  EXPECT_EQ(dns_.queries_for("moving.test"), 2);
}

TEST_F(ResolverTest, RemembersAThousandNames) {
  for (int i = 0; i <= 1000; ++i) dns_.add(std::to_string(i) + ".test", {"192.0.2.1"});
  for (int i = 0; i <= 1000; ++i) resolve(std::to_string(i) + ".test");
  resolve("1000.test");
  EXPECT_EQ(dns_.queries_for("1000.test"), 1);
  resolve("0.test");
  EXPECT_EQ(dns_.queries_for("0.test"), 2);
}

TEST_F(ResolverTest, KnowsTheNamesOfTheHostsFile) {
  std::ifstream hosts("/etc/hosts");
  std::string address;
  std::string name;
  for (std::string line; std::getline(hosts, line);) {
    std::istringstream words(line);
    if (words >> address >> name && !address.starts_with('#') && name != "localhost") break;
  }
  ASSERT_NE(name, "localhost") << "/etc/hosts has no other name";
  EXPECT_THAT(resolve(name), testing::HasSubstr(Address::parse(address, 0)->text()));
  EXPECT_EQ(dns_.queries_for(name), 0);
}

TEST_F(ResolverTest, AsksAnewAfterAFailure) {
  EXPECT_THAT(resolve("late.test"), testing::StartsWith("failed"));
  dns_.add("late.test", {"192.0.2.1"});
  EXPECT_EQ(resolve("late.test"), "192.0.2.1:0 ");
}

TEST_F(ResolverTest, TellsNobodyWhoGaveUp) {
  dns_.add("one.test", {"192.0.2.1"});
  Waiter gone;
  Waiter stays;
  resolver_.resolve("one.test", gone);
  resolver_.resolve("one.test", stays);
  resolver_.forget(gone);
  turn_until([&] { return stays.calls > 0; });
  EXPECT_EQ(stays.calls, 1);
  EXPECT_EQ(gone.calls, 0);
}

TEST_F(ResolverTest, LetsWaitersForgetEachOtherWhileTheyAreTold) {
  for (const char* name : {"one.test", "nowhere.test"}) {
    dns_.add("one.test", {"192.0.2.1"});
    auto first = std::make_unique<Waiter>();
    auto second = std::make_unique<Waiter>();
    first->then = [&] {
      resolver_.forget(*second);
      second.reset();
    };
    resolver_.resolve(name, *first);
    resolver_.resolve(name, *second);
    turn_until([&] { return first->calls > 0; });
    EXPECT_EQ(first->calls, 1);
    EXPECT_EQ(second, nullptr);
  }
}

TEST_F(ResolverTest, LetsAWaiterAskAgainWhileItIsTold) {
  Waiter again;
  Waiter waiter;
  waiter.then = [&] {
    dns_.add("late.test", {"192.0.2.1"});
    resolver_.resolve("late.test", again);
  };
  resolver_.resolve("late.test", waiter);
  turn_until([&] { return again.calls > 0; });
  EXPECT_THAT(waiter.result, testing::StartsWith("failed"));
  EXPECT_EQ(again.result, "192.0.2.1:0 ");
}

TEST_F(ResolverTest, AnswersOthersWhileANameServerIsSilentAboutOneName) {
  dns_.add("one.test", {"192.0.2.1"});
  Waiter silent;
  resolver_.resolve("x.silent", silent);
  EXPECT_EQ(resolve("one.test"), "192.0.2.1:0 ");
  EXPECT_EQ(silent.calls, 0);
  resolver_.forget(silent);
}

TEST_F(ResolverTest, EndsASilentQueryByItself) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THAT(resolve("x.silent"), testing::StartsWith("failed: look-up of x.silent: "));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 25s);
}

TEST_F(ResolverTest, CanBeDestroyedWithQueriesUnderWay) {
  Waiter waiter;
  {
    Resolver resolver(loop_, dns_.address());
    for (int i = 0; i < 10; ++i) resolver.resolve(std::to_string(i) + ".silent", waiter);
    loop_.turn(std::chrono::steady_clock::now());
  }
  loop_.turn(std::chrono::steady_clock::now());
  EXPECT_EQ(waiter.calls, 0);
}

// A resolv.conf that changes.
class ResolvConfTest : public ResolverTest {
 protected:
  // Under another name first, as the programs that write this file do it.
  void write(const std::string& text) {
    std::ofstream(file_ + ".new") << text;
    std::filesystem::rename(file_ + ".new", file_);
  }
  // The file is looked at once a second: that is what passes here.
  void pass_a_second() {
    const auto until = std::chrono::steady_clock::now() + 1100ms;
    while (std::chrono::steady_clock::now() < until) loop_.turn(until);
  }
  std::string ask(Resolver& resolver, const std::string& host) {
    Waiter waiter;
    resolver.resolve(host, waiter);
    turn_until([&] { return waiter.calls > 0; });
    return waiter.result;
  }

  test::TemporaryFolder folder_;
  const std::string file_ = (folder_.path() / "resolv.conf").string();
  const SystemServers system_{.resolv_conf = file_,
                              .port = static_cast<std::uint16_t>(dns_.port())};
  TestDnsServer other_dns_{"127.0.0.2", dns_.port()};
};

TEST_F(ResolvConfTest, AsksTheServersOfAFileThatHasChanged) {
  dns_.add("one.test", {"192.0.2.1"});
  other_dns_.add("one.test", {"192.0.2.2"});
  write("nameserver 127.0.0.1\n");
  Resolver resolver(loop_, "", system_);
  EXPECT_EQ(ask(resolver, "one.test"), "192.0.2.1:0 ");
  write("nameserver 127.0.0.2\n");
  pass_a_second();
  EXPECT_EQ(ask(resolver, "one.test"), "192.0.2.2:0 ") << "what the former server said";
}

TEST_F(ResolvConfTest, AnswersWhatTheFormerServersWereAsked) {
  dns_.add("one.test", {"192.0.2.1"});
  dns_.hold();
  write("nameserver 127.0.0.1\n");
  Resolver resolver(loop_, "", system_);
  Waiter early;
  resolver.resolve("one.test", early);
  write("nameserver 127.0.0.2\n");
  pass_a_second();
  other_dns_.add("two.test", {"192.0.2.2"});
  EXPECT_EQ(ask(resolver, "two.test"), "192.0.2.2:0 ");
  EXPECT_EQ(early.calls, 0);
  dns_.release();
  turn_until([&] { return early.calls > 0; });
  EXPECT_EQ(early.result, "192.0.2.1:0 ");
}

TEST_F(ResolvConfTest, WaitsForNoFormerServerWithANewLookUpOfTheSameName) {
  dns_.add("one.test", {"192.0.2.1"});
  other_dns_.add("one.test", {"192.0.2.2"});
  dns_.hold();
  write("nameserver 127.0.0.1\n");
  Resolver resolver(loop_, "", system_);
  Waiter early;
  Waiter gave_up;
  resolver.resolve("one.test", early);
  resolver.resolve("one.test", gave_up);
  write("nameserver 127.0.0.2\n");
  pass_a_second();
  EXPECT_EQ(ask(resolver, "one.test"), "192.0.2.2:0 ");
  EXPECT_EQ(early.calls, 0);
  resolver.forget(gave_up);
  dns_.release();
  turn_until([&] { return early.calls > 0; });
  EXPECT_EQ(early.result, "192.0.2.1:0 ");
  EXPECT_EQ(gave_up.calls, 0);
  EXPECT_EQ(ask(resolver, "one.test"), "192.0.2.2:0 ") << "a former server's answer is not kept";
}

TEST_F(ResolvConfTest, KeepsItsServersWhileTheFileIsAway) {
  dns_.add("one.test", {"192.0.2.1"}, 0);
  write("nameserver 127.0.0.1\n");
  Resolver resolver(loop_, "", system_);
  std::filesystem::remove(file_);
  pass_a_second();
  EXPECT_EQ(ask(resolver, "one.test"), "192.0.2.1:0 ");
}

TEST_F(ResolvConfTest, LeavesServersThatWereGivenAlone) {
  dns_.add("one.test", {"192.0.2.1"}, 0);
  write("nameserver 127.0.0.2\n");
  Resolver resolver(loop_, dns_.address(), system_);
  write("nameserver 127.0.0.2\n# changed\n");
  pass_a_second();
  EXPECT_EQ(ask(resolver, "one.test"), "192.0.2.1:0 ");
}

TEST_F(ResolverTest, ChecksItsListOfServers) {
  EXPECT_TRUE(Resolver::are_valid_servers(""));
  EXPECT_TRUE(Resolver::are_valid_servers("192.0.2.1,192.0.2.2:5353"));
  EXPECT_FALSE(Resolver::are_valid_servers("ns.example"));
  EXPECT_THROW(Resolver(loop_, "ns.example"), std::invalid_argument);
}

}  // namespace
}  // namespace patient_http::net
