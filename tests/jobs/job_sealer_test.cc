#include "jobs/job_sealer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "drivers/sqlite/database.h"
#include "jobs/job_opener.h"
#include "jobs/sqlite_job_store.h"
#include "support/temporary_folder.h"

namespace patient_http::jobs {
namespace {

using testing::HasSubstr;

// Keeps payloads in memory, and asks at each whether it was announced.
class AskingStore final : public PayloadStore {
 public:
  explicit AskingStore(std::string database) : database_(std::move(database)) {}

  Result<void> store(const std::string& key, std::string_view data) override {
    auto database = sqlite::Database::open({.path = database_});
    const auto found =
        database->integer("SELECT 1 FROM stored_payloads WHERE reference = ?", "memory/" + key);
    all_announced_ = all_announced_ && found && found->has_value();
    payloads_[key] = std::string(data);
    return {};
  }
  Result<std::optional<std::string>> fetch(const std::string& key) override {
    return payloads_.contains(key) ? std::optional(payloads_[key]) : std::nullopt;
  }
  Result<void> remove(const std::string&) override { return {}; }
  Result<bool> exists(const std::string& key) override { return payloads_.contains(key); }

  [[nodiscard]] bool all_announced() const { return all_announced_; }
  [[nodiscard]] std::size_t size() const { return payloads_.size(); }

 private:
  const std::string database_;
  std::map<std::string, std::string> payloads_;
  bool all_announced_ = true;
};

class JobSealerTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  const std::string path_ = folder_.file("jobs.db");
  const std::unique_ptr<SqliteJobStore> store_ = SqliteJobStore::open({.path = path_}).value();
  const std::shared_ptr<AskingStore> payloads_ = std::make_shared<AskingStore>(path_);
  payload::ExternalStorage storage_{{{"memory", payloads_}}, 20};
  payload::ExternalStorage no_storage_;
  payload::Encryptor no_encryptor_;
};

TEST_F(JobSealerTest, LeavesEverythingAsItIsWhereNothingIsSetUp) {
  const JobSealer sealer(*store_, no_storage_, no_encryptor_, Log());
  const std::string large = "\"" + std::string(100'000, 'x') + "\"";
  const auto sealed = sealer.seal(UnsealedData{large});
  ASSERT_TRUE(sealed.has_value());
  EXPECT_EQ(sealed->json, large);
  EXPECT_EQ(sealed->payload, std::nullopt);
}

TEST_F(JobSealerTest, AnnouncesWhatItStoresAndKeepsTheOrder) {
  const JobSealer sealer(*store_, storage_, no_encryptor_, Log());
  std::vector<UnsealedData> batch{
      {R"({"n":1,"x":"is rather long"})"}, {R"({"n":2})"}, {R"({"n":3,"x":"is rather long"})"}};
  const auto sealed = sealer.seal(batch);
  ASSERT_TRUE(sealed.has_value());
  EXPECT_TRUE(payloads_->all_announced());
  EXPECT_EQ(payloads_->size(), 2U);
  EXPECT_FALSE(sealed->at(1).payload.has_value());
  const JobOpener opener(storage_, no_encryptor_);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto opened = opener.open(Json::parse(sealed->at(i).json).value());
    ASSERT_TRUE(opened.has_value()) << opened.error().reason;
    EXPECT_EQ(opened->data.find("n")->to_int64(), static_cast<std::int64_t>(i + 1));
  }
}

TEST_F(JobSealerTest, LeavesTheBatchAloneWhenEncryptionFails) {
  EncryptionOptions options;
  options.encrypt = [](std::string_view text) {
    if (text == "2") throw std::runtime_error("no");
    return std::string(text);
  };
  options.decrypt = [](std::string_view text) { return std::string(text); };
  const payload::Encryptor encryptor(options);
  const JobSealer sealer(*store_, storage_, encryptor, Log());
  std::vector<UnsealedData> batch{{"1"}, {"2"}};
  const auto sealed = sealer.seal(batch);
  ASSERT_FALSE(sealed.has_value());
  EXPECT_EQ(sealed.error().kind, StoreFailure::Kind::kUnavailable);
  EXPECT_EQ(batch.at(0).json, "1");
  EXPECT_EQ(batch.at(1).json, "2");
}

TEST_F(JobSealerTest, StoresNothingThatCannotBeAnnounced) {
  const JobSealer sealer(*store_, storage_, no_encryptor_, Log());
  auto database = sqlite::Database::open({.path = path_});
  ASSERT_TRUE(
      database->execute("CREATE TRIGGER no BEFORE INSERT ON stored_payloads BEGIN"
                        " SELECT RAISE(ABORT, 'not now'); END"));
  const auto sealed = sealer.seal(UnsealedData{R"({"x":"is rather long"})"});
  ASSERT_FALSE(sealed.has_value());
  EXPECT_THAT(sealed.error().message, HasSubstr("not now"));
  EXPECT_EQ(payloads_->size(), 0U);
}

}  // namespace
}  // namespace patient_http::jobs
