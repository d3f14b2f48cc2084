// Payloads that are not there, or that their store does not give; and references that are not ours.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>

#include "service/payload_fixture.h"
#include "service/service_parts.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr const char* kJid = "0123456789abcdef01234567";

// A store of the user's, which can be told to fail.
class FailingStore final : public PayloadStore {
 public:
  std::atomic<bool> fails_to_store{false};
  std::atomic<bool> fails_to_fetch{false};
  std::atomic<bool> fails_to_remove{false};
  std::atomic<int> calls{0};

  Result<void> store(const std::string& key, std::string_view data) override {
    ++calls;
    if (fails_to_store) throw std::runtime_error("no room");
    std::lock_guard lock(mutex_);
    payloads_[key] = std::string(data);
    return {};
  }
  Result<std::optional<std::string>> fetch(const std::string& key) override {
    ++calls;
    if (fails_to_fetch) return failure("out of order");
    std::lock_guard lock(mutex_);
    const auto found = payloads_.find(key);
    if (found == payloads_.end()) return std::nullopt;
    return found->second;
  }
  Result<void> remove(const std::string& key) override {
    ++calls;
    if (fails_to_remove) return failure("out of order");
    std::lock_guard lock(mutex_);
    payloads_.erase(key);
    return {};
  }
  Result<bool> exists(const std::string& key) override {
    std::lock_guard lock(mutex_);
    return payloads_.contains(key);
  }
  [[nodiscard]] std::size_t size() const {
    std::lock_guard lock(mutex_);
    return payloads_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> payloads_;
};

// A store whose answers do not come, until it is interrupted.
class WaitingStore final : public PayloadStore {
 public:
  std::atomic<int> waiting{0};

  Result<void> store(const std::string&, std::string_view) override { return wait(); }
  Result<std::optional<std::string>> fetch(const std::string&) override {
    return unexpected(wait().error());
  }
  Result<void> remove(const std::string&) override { return {}; }
  Result<bool> exists(const std::string&) override { return true; }
  void interrupt() override {
    {
      const std::lock_guard lock(mutex_);
      is_interrupted_ = true;
    }
    changed_.notify_all();
  }

 private:
  Result<void> wait() {
    ++waiting;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_interrupted_; });
    return failure("interrupted");
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_interrupted_ = false;
};

class PayloadFailureTest : public test::PayloadFixture {
 protected:
  [[nodiscard]] Configuration with_failing_store() {
    Configuration configuration = without_stores();
    configuration.register_payload_store("files", failing_);
    return configuration;
  }

  // A service whose payloads do not come is stopped in a hurry: what is then in the store.
  [[nodiscard]] JobCounts stop_while_a_payload_is_waited_for() {
    const auto waiting = std::make_shared<WaitingStore>();
    Configuration configuration = without_stores();
    configuration.register_payload_store("files", waiting);
    const auto parts = ServiceParts::open(std::move(configuration)).value();
    parts->start();
    EXPECT_TRUE(eventually([&] { return waiting->waiting == 1; }));
    parts->hurry();
    parts->stop(10s);
    return parts->status().value().jobs;
  }

  const std::shared_ptr<FailingStore> failing_ = std::make_shared<FailingStore>();
};

TEST_F(PayloadFailureTest, TriesARequestAgainWhosePayloadIsNotThere) {
  const auto service = open();
  ASSERT_TRUE(post(*service, "/echo", large("a")));
  const std::string path = files().at(0);
  const std::string content = test::read_file(path);
  std::filesystem::remove(path);
  service->start();
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.scheduled == 1; }));
  EXPECT_THAT(jobs().at(0), HasSubstr(R"("error_message":"stored payload not found: files/)"));
  EXPECT_THAT(jobs().at(0), HasSubstr(R"("retry_count":0)"));
  test::write_file(path, content);
  let_time_pass();
  EXPECT_EQ(journal_.wait_for(1).at(0).response->body(), large("a"));
  EXPECT_TRUE(becomes_empty());
}

TEST_F(PayloadFailureTest, TriesACallbackAgainWhosePayloadIsNotThere) {
  Configuration without_callbacks = configuration();
  without_callbacks.callbacks.threads = 0;
  {
    const auto service = open(without_callbacks);
    ASSERT_TRUE(post(*service, "/echo", large("a")));
    service->start();
    ASSERT_TRUE(eventually(*service, [&](const auto& jobs) {
      return jobs.callbacks_waiting == 1 && files().size() == 1;
    }));
  }
  const std::string path = files().at(0);
  const std::string content = test::read_file(path);
  std::filesystem::remove(path);
  const auto service = open();
  service->start();
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.callbacks_scheduled == 1; }));
  test::write_file(path, content);
  let_time_pass();
  EXPECT_EQ(journal_.wait_for(1).at(0).response->body(), large("a"));
}

TEST_F(PayloadFailureTest, BuriesARequestWhoseTriesAreUsedUp) {
  const std::string reference =
      R"({"$ref":{"store":"nowhere","key":"07aa468d-b464-4e75-befb-4c20e7c4193d"}})";
  push_raw(kJid, raw_job(reference, kJid, 0));
  const auto service = open();
  service->start();
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.dead == 1; }));
  EXPECT_THAT(service->dead_jobs(1)->at(0).reason, HasSubstr("nowhere"));
}

TEST_F(PayloadFailureTest, PutsARequestBackWhosePayloadAStopDidNotWaitFor) {
  // It was no try: the last ones of these are used up.
  const std::string reference =
      R"({"$ref":{"store":"files","key":"07aa468d-b464-4e75-befb-4c20e7c4193d"}})";
  push_raw(kJid, raw_job(reference, kJid, 0));
  const JobCounts counts = stop_while_a_payload_is_waited_for();
  EXPECT_EQ(counts.ready, 1);
  EXPECT_EQ(counts.dead, 0);
  EXPECT_THAT(jobs().at(0), Not(HasSubstr("error_message")));
}

TEST_F(PayloadFailureTest, PutsACallbackBackWhosePayloadAStopDidNotWaitFor) {
  Configuration without_callbacks = configuration();
  without_callbacks.callbacks.threads = 0;
  {
    const auto service = open(without_callbacks);
    ASSERT_TRUE(post(*service, "/echo", large("a")));
    service->start();
    ASSERT_TRUE(eventually(*service, [&](const auto& jobs) {
      return jobs.callbacks_waiting == 1 && files().size() == 1;
    }));
  }
  const JobCounts counts = stop_while_a_payload_is_waited_for();
  EXPECT_EQ(counts.callbacks_waiting, 1);
  EXPECT_EQ(counts.callbacks_scheduled, 0);
  const auto service = open();
  service->start();
  EXPECT_EQ(journal_.wait_for(1).at(0).response->body(), large("a"));
}

TEST_F(PayloadFailureTest, ShowsNoStoreAReferenceThatIsNotOurs) {
  const std::vector<std::string> hostile = {
      R"({"$ref":{"store":"files","key":"../../etc/passwd"}})",
      R"({"$ref":{"store":"files","key":"07AA468D-B464-4E75-BEFB-4C20E7C4193D"}})",
      R"({"$ref":{"store":"files","key":"07aa468d-b464-4e75-befb-4c20e7c4193d","x":1}})",
      R"({"$ref":{"store":"../files","key":"07aa468d-b464-4e75-befb-4c20e7c4193d"}})",
      R"({"$ref":{"store":"files","key":7}})",
      R"({"$ref":"../../etc/passwd"})",
      R"({"$ref":null})"};
  for (std::size_t i = 0; i < hostile.size(); ++i) {
    const std::string jid = "0123456789abcdef0123456" + std::to_string(i);
    push_raw(jid, raw_job(hostile[i], jid, 3));
  }
  const auto service = open(with_failing_store());
  service->start();
  EXPECT_TRUE(eventually(*service, [&](const auto& jobs) {
    return jobs.dead == static_cast<std::int64_t>(hostile.size());
  })) << log_.text();
  EXPECT_EQ(failing_->calls, 0);
  EXPECT_THAT(log_.text(), Not(HasSubstr("passwd")));
  const auto dead = service->dead_jobs(10);
  for (const DeadJob& job : *dead) {
    EXPECT_THAT(job.reason, Not(HasSubstr("passwd")));
  }
}

TEST_F(PayloadFailureTest, BuriesAPayloadThatIsDamaged) {
  const auto service = open();
  ASSERT_TRUE(post(*service, "/echo", large("a")));
  test::write_file(files().at(0), test::read_file(files().at(0)).substr(0, 100));
  service->start();
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.dead == 1; }));
  EXPECT_THAT(service->dead_jobs(1)->at(0).reason, HasSubstr("is damaged"));
}

TEST_F(PayloadFailureTest, LeavesInTheJobWhatCannotBeStored) {
  failing_->fails_to_store = true;
  const auto service = open(with_failing_store());
  ASSERT_TRUE(post(*service, "/echo", large("a")));
  service->start();
  EXPECT_EQ(journal_.wait_for(1).at(0).response->body(), large("a"));
  EXPECT_THAT(log_.text(), HasSubstr("stays in its job, since it could not be stored"));
  EXPECT_THAT(log_.text(), HasSubstr("no room"));
}

TEST_F(PayloadFailureTest, TriesAgainWhatAStoreDoesNotGive) {
  failing_->fails_to_fetch = true;
  const auto service = open(with_failing_store());
  ASSERT_TRUE(post(*service, "/echo", large("a")));
  service->start();
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.scheduled == 1; }));
  failing_->fails_to_fetch = false;
  let_time_pass();
  EXPECT_EQ(journal_.wait_for(1).at(0).response->body(), large("a"));
}

TEST_F(PayloadFailureTest, RemovesLaterWhatAStoreDoesNotRemoveAndSaysSoOnce) {
  failing_->fails_to_remove = true;
  const auto service = open(with_failing_store());
  ASSERT_TRUE(post(*service, "/echo", large("a")));
  service->start();
  EXPECT_THAT(journal_.wait_for(1), SizeIs(1));
  const int calls = failing_->calls;
  ASSERT_TRUE(eventually([&] { return failing_->calls > calls + 3; }));
  EXPECT_EQ(failing_->size(), 2U);
  EXPECT_EQ(count_of("it is tried again", log_.text()), 1U);
  failing_->fails_to_remove = false;
  EXPECT_TRUE(eventually([&] { return failing_->size() == 0 && unswept() == 0; }));
}

}  // namespace
}  // namespace patient_http
