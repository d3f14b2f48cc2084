#include "daemon/service_notifier.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/notify_socket.h"
#include "support/temporary_folder.h"

namespace patient_http::daemon {
namespace {

using namespace std::chrono_literals;

TEST(ServiceNotifierTest, SendsToAPathAndToAnAbstractName) {
  test::TemporaryFolder folder;
  for (const std::string& name :
       {folder.file("notify"), "@patient-http-test-" + std::to_string(::getpid())}) {
    const test::NotifySocket socket(name);
    const ServiceNotifier notifier(Environment{{"NOTIFY_SOCKET", name}});
    EXPECT_TRUE(notifier.is_heard());
    notifier.notify("READY=1\nSTATUS=fine");
    EXPECT_EQ(socket.receive(), "READY=1\nSTATUS=fine");
    notifier.notify_reloading();
    EXPECT_EQ(socket.receive().substr(0, 27), "RELOADING=1\nMONOTONIC_USEC=");
  }
}

TEST(ServiceNotifierTest, IsSilentWithoutASocket) {
  EXPECT_FALSE(ServiceNotifier(Environment()).is_heard());
  EXPECT_FALSE(ServiceNotifier(Environment{{"NOTIFY_SOCKET", "vsock:2:1"}}).is_heard());
  ServiceNotifier(Environment{{"NOTIFY_SOCKET", "/nowhere/at/all"}}).notify("READY=1");
}

TEST(ServiceNotifierTest, GivesHalfOfTheWatchdogsTimeWhenItIsMeantForThisProcess) {
  const std::string self = std::to_string(::getpid());
  const auto period = [](const std::string& micros, const std::string& process) {
    Environment environment = {{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", micros}};
    if (!process.empty()) environment["WATCHDOG_PID"] = process;
    return ServiceNotifier(environment).watchdog_period();
  };
  EXPECT_EQ(period("3000000", self), 1500ms);
  EXPECT_EQ(period("3000000", ""), 1500ms);
  EXPECT_EQ(period("3000000", "1"), std::nullopt);
  EXPECT_EQ(period("soon", self), std::nullopt);
  EXPECT_EQ(period("0", self), std::nullopt);
}

}  // namespace
}  // namespace patient_http::daemon
