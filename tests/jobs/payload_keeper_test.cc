#include "jobs/payload_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <mutex>

#include "base/uuid.h"
#include "jobs/job_store_conformance.h"
#include "jobs/payload_sweeper.h"
#include "jobs/redis_job_store.h"
#include "patient_http/redis_payload_store.h"
#include "support/program.h"
#include "support/test_redis.h"

namespace patient_http::jobs {
namespace {

using conformance::callback_bytes;
using conformance::must;
using payload::PayloadReference;
using std::chrono::seconds;
using std::chrono::system_clock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// One server for all tests of this program: each begins with an empty database.
test::TestRedis& server() {
  static test::TestRedis redis;
  return redis;
}

// A store that cannot put anything back just now.
class FailingStore final : public PayloadStore {
 public:
  Result<void> store(const std::string&, std::string_view) override { return {}; }
  Result<std::optional<std::string>> fetch(const std::string&) override { return std::nullopt; }
  Result<void> remove(const std::string&) override { return {}; }
  Result<bool> exists(const std::string&) override { return false; }
  bool keeps_copies() const override { return true; }
  Result<bool> restore(const std::string&) override { return failure("no disk"); }
};

class PayloadKeeperTest : public testing::Test {
 protected:
  PayloadKeeperTest() {
    server().command({"FLUSHALL"});
    RedisJobStoreOptions options;
    options.redis.url = server().url();
    store_ = must(RedisJobStore::open(options));
  }

  payload::ExternalStorage storage_with(std::optional<std::chrono::milliseconds> copy_lifetime) {
    auto payloads =
        RedisPayloadStore::open({.url = server().url(), .second_copy_lifetime = copy_lifetime});
    return {{{"redis", std::shared_ptr<PayloadStore>(std::move(payloads.value()))}}, 10};
  }

  // A callback job of Ruby's that raised, as Sidekiq and the gem leave it behind: its payload is
  // removed, and it is due again after `wait`.
  void fail_in_ruby(const PayloadReference& reference, seconds wait,
                    const std::string& queue = "default", const std::string& extra = "") {
    server().command({"DEL", name_of(reference)});
    const std::string bytes =
        R"({"retry":true,"queue":")" + queue + R"(","args":[)" + reference.json() +
        R"(,"response","Done"],"class":"PatientHttp::Sidekiq::CallbackWorker")"
        R"(,"jid":")" +
        reference.key() + R"(","retry_count":0)" + extra + "}";
    put_into_retry(bytes, wait);
  }
  static void put_into_retry(const std::string& bytes, seconds wait) {
    const auto at = system_clock::now() + wait;
    server().command({"ZADD", "retry", to_score(at), bytes});
  }
  static std::string name_of(const PayloadReference& reference) {
    return "patient_http:payloads:" + reference.key();
  }
  static bool is_there(const PayloadReference& reference) {
    return server().command({"EXISTS", name_of(reference)}).integer() == 1;
  }
  PayloadReference stored(const payload::ExternalStorage& storage) {
    const auto reference = storage.new_reference();
    if (!storage.store(reference, "\"a result\"")) throw std::runtime_error("cannot store");
    return reference;
  }
  Log log() {
    return Log([this](LogLevel, std::string_view message) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(message);
    });
  }

  std::unique_ptr<RedisJobStore> store_;
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

// The gem's callback worker removes the payload whatever came of the callback. The next try failed
// with "Stored payload not found", and the result was lost.
TEST_F(PayloadKeeperTest, PutsBackWhatRubyNeedsForItsNextTry) {
  const auto storage = storage_with(seconds(1000));
  const auto reference = stored(storage);
  fail_in_ruby(reference, seconds(15));
  PayloadKeeper keeper(*store_, storage, log());
  keeper.keep(system_clock::now());
  EXPECT_EQ(storage.fetch(reference).value(), "\"a result\"");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr(reference.text())));
  // It is there: nothing to do, and nothing to say.
  keeper.keep(system_clock::now());
  EXPECT_THAT(lines_, SizeIs(1));
  // What ends for good without us still ends.
  EXPECT_GT(server().command({"PTTL", name_of(reference)}).integer(), 0);
}

TEST_F(PayloadKeeperTest, LooksAMinuteAheadOnly) {
  const auto storage = storage_with(seconds(1000));
  const auto late = stored(storage);
  const auto overdue = stored(storage);
  fail_in_ruby(late, seconds(100));
  fail_in_ruby(overdue, seconds(-100));
  PayloadKeeper keeper(*store_, storage, log());
  keeper.keep(system_clock::now());
  EXPECT_FALSE(is_there(late));
  EXPECT_TRUE(is_there(overdue));
  keeper.keep(system_clock::now() + seconds(50));
  EXPECT_TRUE(is_there(late));
}

TEST_F(PayloadKeeperTest, LeavesWhatIsNotRubysOrNotAReferenceAlone) {
  const auto storage = storage_with(seconds(1000));
  const auto ours = stored(storage);
  const auto named = stored(storage);
  fail_in_ruby(ours, seconds(1), "patient_http_callbacks");
  put_into_retry(R"({"class":"HardJob","args":[)" + named.json() +
                     R"(,"PatientHttp::Sidekiq::CallbackWorker"]})",
                 seconds(1));
  server().command({"DEL", name_of(named)});
  put_into_retry("PatientHttp::Sidekiq::CallbackWorker \"$ref\" {", seconds(1));
  put_into_retry(callback_bytes("a", R"({"$ref":{"store":"redis","key":"../x"}})"), seconds(1));
  put_into_retry(R"({"queue":"default","class":"PatientHttp::Sidekiq::CallbackWorker","args":)"
                 R"([{"$ref":{"store":"redis","key":"../x"}}]})",
                 seconds(1));
  put_into_retry(R"({"queue":"default","class":"PatientHttp::Sidekiq::CallbackWorker","args":)"
                 R"([{"$ref":["redis"]}]})",
                 seconds(1));
  fail_in_ruby(PayloadReference::create("elsewhere"), seconds(1));
  PayloadKeeper keeper(*store_, storage, log());
  keeper.keep(system_clock::now());
  EXPECT_FALSE(is_there(ours));
  EXPECT_FALSE(is_there(named));
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(PayloadKeeperTest, LooksPastJobsOfOtherClassesUpToALimit) {
  const auto storage = storage_with(seconds(1000));
  const auto reference = stored(storage);
  for (int i = 0; i < 999; ++i)
    put_into_retry(R"({"class":"HardJob","jid":")" + std::to_string(i) + "\"}", seconds(1));
  fail_in_ruby(reference, seconds(2));
  PayloadKeeper keeper(*store_, storage, log());
  keeper.keep(system_clock::now());
  EXPECT_TRUE(is_there(reference));
  put_into_retry(R"({"class":"HardJob","jid":"one more"})", seconds(1));
  server().command({"DEL", name_of(reference)});
  keeper.keep(system_clock::now());
  EXPECT_FALSE(is_there(reference));
}

TEST_F(PayloadKeeperTest, PutsBackAHundredAtATime) {
  const auto storage = storage_with(seconds(1000));
  for (int i = 0; i < 101; ++i) fail_in_ruby(stored(storage), seconds(i / 10));
  EXPECT_THAT(must(store_->removed_payloads(system_clock::now() + seconds(60))), SizeIs(100));
}

TEST_F(PayloadKeeperTest, DoesNotEvenLookWithoutCopies) {
  const auto storage = storage_with(std::nullopt);
  server().command({"SET", "retry", "no set: whoever looks fails"});
  PayloadKeeper keeper(*store_, storage, log());
  keeper.keep(system_clock::now());
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(PayloadKeeperTest, SaysOnceThatAStoreFails) {
  const payload::ExternalStorage storage({{"redis", std::make_shared<FailingStore>()}}, 10);
  fail_in_ruby(storage.new_reference(), seconds(1));
  fail_in_ruby(storage.new_reference(), seconds(1));
  PayloadKeeper keeper(*store_, storage, log());
  keeper.keep(system_clock::now());
  keeper.keep(system_clock::now());
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("no disk")));
  server().command({"DEL", "retry"});
  server().command({"SET", "retry", "no set"});
  keeper.keep(system_clock::now());
  keeper.keep(system_clock::now());
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("no disk"), HasSubstr("Ruby needs again")));
}

TEST_F(PayloadKeeperTest, IsPartOfTheSweeper) {
  const auto storage = storage_with(seconds(1000));
  const auto reference = stored(storage);
  fail_in_ruby(reference, seconds(15));
  PayloadSweeper sweeper(*store_, storage, log());
  sweeper.start();
  EXPECT_TRUE(test::wait_until([&] { return is_there(reference); }));
  sweeper.stop();
}

}  // namespace
}  // namespace patient_http::jobs
