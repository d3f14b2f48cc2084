#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>

#include "jobs/callback_job.h"
#include "payload/encryptor.h"
#include "service/payload_fixture.h"

namespace patient_http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using Digest = EncryptionFormat::Digest;
using Serializer = EncryptionFormat::Serializer;

// Stands in every part of a request that may be private.
constexpr const char* kMarker = "m4rk3r-of-what-is-private";

class EncryptionTest : public test::PayloadFixture {
 protected:
  [[nodiscard]] Configuration with_keys(std::vector<std::string> keys) {
    Configuration configuration = this->configuration();
    configuration.encryption.keys = std::move(keys);
    return configuration;
  }

  [[nodiscard]] Result<std::string, SubmitFailure> submit(
      Service& service, std::optional<std::chrono::system_clock::time_point> run_at = {}) {
    return service.client().post(
        server_.url("/echo"),
        {.headers = {{"x-private", kMarker}}, .params = {{"q", kMarker}}, .body = kMarker},
        {.callback = "Note",
         .callback_args = Json::object({{"private", kMarker}}),
         .run_at = run_at});
  }

  // Every byte that is on the disk: the database, its log, the payloads.
  [[nodiscard]] std::string on_disk() const {
    std::string bytes;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) bytes += test::read_file(entry.path().string());
    }
    return bytes;
  }

  // The format in which the result of the one callback that waits is encrypted.
  [[nodiscard]] EncryptionFormat format_of_result(const std::string& key) {
    const Json job = Json::parse(jobs().at(0)).value();
    const payload::Encryptor encryptor(EncryptionOptions{.keys = {key}});
    const auto decrypted = encryptor.decrypt(job.find("args")->if_array()->at(0));
    if (!decrypted) throw std::runtime_error(decrypted.error().message);
    return decrypted->format.value();
  }
};

TEST_F(EncryptionTest, LeavesNothingInClearOnTheDiskAndGivesTheCallbackAllOfIt) {
  journal_.then = [](const test::CallbackCall&) { throw std::runtime_error("no"); };
  Configuration configuration = with_keys({"key"});
  configuration.callbacks.retries = 1;
  const auto service = open(configuration);
  ASSERT_TRUE(submit(*service, std::chrono::system_clock::now() + 1h));
  ASSERT_TRUE(submit(*service));
  EXPECT_THAT(on_disk(), Not(HasSubstr(kMarker)));
  service->start();
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.callbacks_scheduled > 0; }));
  EXPECT_THAT(on_disk(), Not(HasSubstr(kMarker)));
  const auto calls = journal_.wait_for(1);
  EXPECT_EQ(calls.at(0).response->body(), kMarker);
  EXPECT_EQ(calls[0].response->callback_args().at("private")->dump(),
            "\"" + std::string(kMarker) + "\"");
  sql("UPDATE callbacks_schedule SET due = job");
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.dead > 0; }));
  EXPECT_THAT(on_disk(), Not(HasSubstr(kMarker)));
  EXPECT_THAT(log_.text(), Not(HasSubstr(kMarker)));
}

TEST_F(EncryptionTest, KeepsEnvelopesInThePayloadStore) {
  const auto service = open(with_keys({"key"}));
  ASSERT_TRUE(post(*service, "/echo", large(kMarker)));
  ASSERT_THAT(files(), SizeIs(1));
  EXPECT_THAT(test::read_file(files()[0]), HasSubstr("__encrypted__"));
  EXPECT_THAT(on_disk(), Not(HasSubstr(kMarker)));
  service->start();
  EXPECT_EQ(journal_.wait_for(1).at(0).response->body(), large(kMarker));
  EXPECT_TRUE(becomes_empty());
}

TEST_F(EncryptionTest, AnswersInTheFormatOfTheJob) {
  const EncryptionFormat theirs{Digest::kSha256, Serializer::kJson};
  const payload::Encryptor ruby(EncryptionOptions{.keys = {"key"}, .format = theirs});
  const std::string request = Request::create({.url = server_.url("/x")}).value().to_json().dump();
  push_raw("0123456789abcdef01234567",
           raw_job(ruby.encrypt(request).value(), "0123456789abcdef01234567", 0));
  Configuration configuration = with_keys({"key"});
  configuration.payloads = {};
  configuration.callbacks.threads = 0;
  const auto service = open(configuration);
  service->start();
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.callbacks_waiting == 1; }));
  EXPECT_EQ(format_of_result("key"), theirs);
}

TEST_F(EncryptionTest, AnswersWhatCameInClearAsConfigured) {
  push_raw("0123456789abcdef01234567",
           raw_job(Request::create({.url = server_.url("/x")}).value().to_json().dump(),
                   "0123456789abcdef01234567", 0));
  const EncryptionFormat ours{Digest::kSha256, Serializer::kMarshal};
  Configuration configuration = with_keys({"key"});
  configuration.encryption.format = ours;
  configuration.payloads = {};
  configuration.callbacks.threads = 0;
  const auto service = open(configuration);
  service->start();
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.callbacks_waiting == 1; }));
  EXPECT_EQ(format_of_result("key"), ours);
}

TEST_F(EncryptionTest, LosesNoJobWhenTheKeyIsChanged) {
  ASSERT_TRUE(submit(*open(with_keys({"old"}))));
  {
    Configuration both = with_keys({"new", "old"});
    both.callbacks.threads = 0;
    const auto service = open(both);
    service->start();
    ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.callbacks_waiting == 1; }));
  }
  // The result was encrypted with the new key: the old one may go.
  const auto service = open(with_keys({"new"}));
  service->start();
  EXPECT_EQ(journal_.wait_for(1).at(0).response->body(), kMarker);
}

TEST_F(EncryptionTest, TriesAJobAgainThatNoKeyDecrypts) {
  ASSERT_TRUE(submit(*open(with_keys({"right"}))));
  {
    const auto service = open(with_keys({"wrong"}));
    service->start();
    ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.scheduled == 1; }));
    EXPECT_THAT(jobs().at(0), HasSubstr(R"("error_class":"PatientHttp::UnreadableJobError")"));
    EXPECT_THAT(jobs().at(0), HasSubstr(R"("retry_count":0)"));
    EXPECT_THAT(log_.text(), HasSubstr("cannot be read, it is tried again later"));
  }
  let_time_pass();
  const auto service = open(with_keys({"right"}));
  service->start();
  EXPECT_EQ(journal_.wait_for(1).at(0).response->body(), kMarker);
}

TEST_F(EncryptionTest, BuriesAJobThatWasTamperedWithWhenItsTriesAreUsedUp) {
  const payload::Encryptor encryptor(EncryptionOptions{.keys = {"key"}});
  Json envelope = Json::parse(encryptor.encrypt("{}").value()).value();
  std::string value = *envelope.find("value")->if_string();
  value[10] = value[10] == 'A' ? 'B' : 'A';
  envelope.set("value", value);
  push_raw("0123456789abcdef01234567", raw_job(envelope.dump(), "0123456789abcdef01234567", 0));
  const auto service = open(with_keys({"key"}));
  service->start();
  ASSERT_TRUE(eventually(*service, [](const auto& jobs) { return jobs.dead == 1; }));
  EXPECT_THAT(service->dead_jobs(1)->at(0).reason, Not(HasSubstr(value.substr(0, 20))));
  EXPECT_TRUE(server_.requests().empty());
}

// A service for keys that is out of order now and then.
class OwnFunctionsTest : public EncryptionTest {
 protected:
  [[nodiscard]] Configuration with_functions() {
    Configuration configuration = this->configuration();
    configuration.encryption.encrypt = [this](std::string_view text) {
      ++calls_;
      if (fails_) throw std::runtime_error("out of order");
      return reversed(text);
    };
    configuration.encryption.decrypt = [](std::string_view text) { return reversed(text); };
    return configuration;
  }

  static std::string reversed(std::string_view text) { return {text.rbegin(), text.rend()}; }

  std::atomic<bool> fails_{false};
  std::atomic<int> calls_{0};
};

TEST_F(OwnFunctionsTest, AreUsedBothWays) {
  const auto service = open(with_functions());
  ASSERT_TRUE(submit(*service));
  EXPECT_THAT(on_disk(), Not(HasSubstr(kMarker)));
  service->start();
  EXPECT_EQ(journal_.wait_for(1).at(0).response->body(), kMarker);
}

TEST_F(OwnFunctionsTest, KeepNothingThatTheyCannotEncrypt) {
  fails_ = true;
  const auto service = open(with_functions());
  const auto refused = submit(*service);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, SubmitFailure::Kind::kUnavailable);
  EXPECT_EQ(service->status()->jobs.ready, 0);
}

// A request that is large would be stored elsewhere before its arguments are refused.
TEST_F(OwnFunctionsTest, StoreNothingWhenOnlyTheArgumentsCannotBeEncrypted) {
  Configuration configuration = with_functions();
  configuration.encryption.encrypt = [](std::string_view text) {
    if (text.find("refused") != std::string_view::npos) throw std::runtime_error("out of order");
    return reversed(text);
  };
  const auto service = open(std::move(configuration));
  const auto refused = service->client().post(
      server_.url("/echo"), {.body = large("a")},
      {.callback = "Note", .callback_args = Json::object({{"a", "refused"}})});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, SubmitFailure::Kind::kUnavailable);
  EXPECT_THAT(files(), SizeIs(0));
  EXPECT_EQ(unswept(), 0);
}

TEST_F(OwnFunctionsTest, MayFailForAWhileWithoutLosingAResult) {
  const auto service = open(with_functions());
  ASSERT_TRUE(submit(*service));
  fails_ = true;
  const int calls_before = calls_;
  service->start();
  ASSERT_TRUE(eventually([&] { return calls_ > calls_before + 1; }));
  EXPECT_EQ(service->status()->jobs.in_flight, 1);
  fails_ = false;
  EXPECT_EQ(journal_.wait_for(1).at(0).response->body(), kMarker);
  EXPECT_THAT(server_.requests(), SizeIs(1));
}

}  // namespace
}  // namespace patient_http
