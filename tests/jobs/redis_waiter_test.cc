// Waiting for jobs in Redis: BLMOVE, and polling where that cannot be had.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "jobs/redis_store_fixture.h"
#include "support/program.h"

namespace patient_http::jobs {
namespace {

using conformance::jids;
using conformance::job_bytes;
using conformance::must;
using conformance::soon;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

using RedisWaiterTest = RedisJobStoreTest;

TEST_F(RedisWaiterTest, WaitsWithoutMovingWhatIsInTheQueue) {
  const auto store = open();
  ASSERT_EQ(store->wait_for_jobs(std::chrono::steady_clock::now()), Wait::kDeadline);
  Wait ended = Wait::kDeadline;
  std::thread waiter([&] { ended = store->wait_for_jobs(soon()); });
  push_from_ruby(job_bytes("a"));
  waiter.join();
  EXPECT_EQ(ended, Wait::kWork);
  EXPECT_THAT(queue("patient_http_requests"), ElementsAre(job_bytes("a")));
}

TEST_F(RedisWaiterTest, DoesNotSpinOnWhatItMayNotTake) {
  const auto store = open();
  push_from_ruby(foreign("1"));
  const auto until = std::chrono::steady_clock::now() + milliseconds(500);
  int claims = 0;
  while (std::chrono::steady_clock::now() < until) {
    ASSERT_THAT(must(store->claim(1)), IsEmpty());
    ++claims;
    static_cast<void>(store->wait_for_jobs(until));
  }
  EXPECT_LT(claims, 20);
  push_from_ruby(job_bytes("a"));
  EXPECT_EQ(store->wait_for_jobs(soon()), Wait::kWork);
  EXPECT_THAT(jids(must(store->claim(1))), ElementsAre("a"));
}

// Neither does a user who may not block, or a server with too many connections.
TEST_F(RedisWaiterTest, PollsWhereItMayNotBlock) {
  server().command({"ACL", "SETUSER", "patient", "on", ">secret", "~*", "&*", "+@all", "-blmove"});
  const std::string address = server().url();
  const auto store =
      open(options_of("redis://patient:secret@" + address.substr(address.find("//") + 2)));
  const auto until = std::chrono::steady_clock::now() + milliseconds(500);
  int claims = 0;
  for (; std::chrono::steady_clock::now() < until; ++claims) {
    ASSERT_THAT(must(store->claim(1)), IsEmpty());
    static_cast<void>(store->wait_for_jobs(until));
  }
  EXPECT_LT(claims, 20);
  push_from_ruby(job_bytes("a"));
  EXPECT_EQ(store->wait_for_jobs(soon()), Wait::kWork);
  EXPECT_THAT(jids(must(store->claim(1))), ElementsAre("a"));
}

TEST_F(RedisWaiterTest, WaitsOnWhenItsWaitIsBroken) {
  const auto store = open();
  Wait ended = Wait::kDeadline;
  std::thread waiter([&] { ended = store->wait_for_jobs(soon()); });
  std::string client;
  ASSERT_TRUE(test::wait_until([&] {
    const std::string clients = text({"CLIENT", "LIST"});
    const auto at = clients.find("cmd=blmove");
    if (at == std::string::npos) return false;
    const auto line = clients.rfind("id=", at) + 3;
    client = clients.substr(line, clients.find(' ', line) - line);
    return integer({"CLIENT", "UNBLOCK", client, "ERROR"}) == 1;
  }));
  waiter.join();
  EXPECT_EQ(ended, Wait::kWork);
  EXPECT_THAT(must(store->claim(1)), IsEmpty());
  push_from_ruby(job_bytes("a"));
  EXPECT_EQ(store->wait_for_jobs(soon()), Wait::kWork);
}

}  // namespace
}  // namespace patient_http::jobs
