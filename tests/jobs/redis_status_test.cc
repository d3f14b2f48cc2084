// What a process shows of itself in Redis: `patient_http:status:<process>`.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <map>

#include "jobs/process_name.h"
#include "jobs/redis_store_fixture.h"
#include "version.h"

namespace patient_http::jobs {
namespace {

using conformance::kNow;
using conformance::must;
using std::chrono::seconds;
using std::chrono::system_clock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class RedisStatusTest : public RedisJobStoreTest {
 protected:
  static std::string status_key(const RedisJobStore& store) {
    return "patient_http:status:" + store.process_id();
  }
  static std::map<std::string, std::string> status_of(const RedisJobStore& store) {
    std::map<std::string, std::string> fields;
    const auto all = list({"HGETALL", status_key(store)});
    for (std::size_t i = 0; i + 1 < all.size(); i += 2) fields[all[i]] = all[i + 1];
    return fields;
  }
  static std::int64_t server_seconds() { return std::stoll(list({"TIME"}).at(0)); }
};

TEST_F(RedisStatusTest, ShowsEveryFieldAfterAHeartbeat) {
  auto options = options_of(server().url());
  options.capacity = 1000;
  options.redis.queues = {{"a", 2}, {"b", 1}, {.name = "c", .weight = 0, .is_shared = true}};
  const std::int64_t before = server_seconds();
  const auto store = open(options);
  must(store->heartbeat({.state = ProcessHealth::State::kQuiet,
                         .in_flight = 17,
                         .last_store_error = "claim jobs: refused",
                         .last_store_error_at = system_clock::time_point(seconds(1'700'000'000))}));
  auto fields = status_of(*store);
  // Two clocks of one machine, read a moment apart.
  for (const char* time : {"beat", "started_at"}) {
    EXPECT_GE(std::stoll(fields[time]), before - 1) << time;
    EXPECT_LE(std::stoll(fields[time]), server_seconds() + 1) << time;
    fields.erase(time);
  }
  EXPECT_THAT(fields, UnorderedElementsAre(Pair("version", kVersion), Pair("state", "quiet"),
                                           Pair("host", host_name()),
                                           Pair("pid", std::to_string(::getpid())),
                                           Pair("in_flight", "17"), Pair("max_connections", "1000"),
                                           Pair("queues", "a,2 b,1 c,shared"),
                                           Pair("last_store_error", "claim jobs: refused"),
                                           Pair("last_store_error_at", "1700000000")));
  EXPECT_GT(integer({"TTL", status_key(*store)}), 3500);
  EXPECT_LE(integer({"TTL", status_key(*store)}), 3600);
}

TEST_F(RedisStatusTest, ShowsEachHeartbeatInThePlaceOfTheOneBefore) {
  const auto store = open();
  must(store->heartbeat({.in_flight = 3, .last_store_error = "broken"}));
  must(store->heartbeat({.state = ProcessHealth::State::kStopping}));
  auto fields = status_of(*store);
  EXPECT_EQ(fields["state"], "stopping");
  EXPECT_EQ(fields["in_flight"], "0");
  EXPECT_EQ(fields["last_store_error"], "");
  EXPECT_EQ(fields["last_store_error_at"], "");
}

// A program that only submits has a lease, but does no work that anybody could look at.
TEST_F(RedisStatusTest, IsNotThereBeforeTheFirstHeartbeat) {
  const auto store = open();
  EXPECT_EQ(integer({"EXISTS", "patient_http:lease:" + store->process_id()}), 1);
  EXPECT_THAT(status_of(*store), IsEmpty());
}

TEST_F(RedisStatusTest, IsGoneWithWhoLeaves) {
  auto store = open();
  must(store->heartbeat({}));
  store.reset();
  EXPECT_THAT(list({"KEYS", "patient_http:status:*"}), IsEmpty());
}

// Who died is forgotten as a process, and can still be looked at.
TEST_F(RedisStatusTest, OutlivesTheLeaseAndTheRescue) {
  const auto dead = open();
  const auto store = open();
  must(dead->heartbeat({.in_flight = 5}));
  const auto before = status_of(*dead);
  end_lease(dead->process_id());
  must(store->rescue(kNow));
  EXPECT_THAT(list({"SMEMBERS", "patient_http:processes"}), ElementsAre(store->process_id()));
  EXPECT_EQ(status_of(*dead), before);
}

TEST_F(RedisStatusTest, AKeyOfAnotherTypeFailsTheHeartbeatBeforeAnythingIsWritten) {
  const auto store = open();
  server().command({"DEL", "patient_http:lease:" + store->process_id(), "patient_http:processes",
                    "sidekiq:patient_http:processes"});
  server().command({"SET", status_key(*store), "no hash"});
  const auto failed = store->heartbeat({});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("holds a string, not a hash"));
  EXPECT_EQ(integer({"EXISTS", "patient_http:lease:" + store->process_id(),
                     "patient_http:processes", "sidekiq:patient_http:processes"}),
            0);
  server().command({"DEL", status_key(*store)});
  must(store->heartbeat({}));
  EXPECT_EQ(integer({"EXISTS", "patient_http:lease:" + store->process_id()}), 1);
}

}  // namespace
}  // namespace patient_http::jobs
