#include "patient_http/s3_payload_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "payload/payload_store_conformance.h"
#include "support/loopback_port.h"
#include "support/test_http_server.h"
#include "support/test_s3.h"

namespace patient_http {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

constexpr const char* kKey = "07aa468d-b464-4e75-befb-4c20e7c4193d";
constexpr const char* kName = "patient_http/payloads/07aa468d-b464-4e75-befb-4c20e7c4193d";

// One for all tests of this program: they have keys, prefixes and buckets of their own.
test::TestS3& server() {
  static test::TestS3 s3({"payloads", "conformance"});
  return s3;
}

SecretFunction value(const std::string& text) {
  return [text] { return text; };
}

S3PayloadStoreOptions options_for(const std::string& endpoint) {
  return {.bucket = "payloads",
          .region = "eu-central-1",
          .endpoint = endpoint,
          .access_key_id = value(test::TestS3::kAccessKeyId),
          .secret_access_key = value(test::TestS3::kSecretAccessKey)};
}

std::unique_ptr<S3PayloadStore> open(const S3PayloadStoreOptions& options) {
  auto store = S3PayloadStore::open(options);
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(*store);
}

std::string why_not_open(const S3PayloadStoreOptions& options) {
  const auto store = S3PayloadStore::open(options);
  return store ? "(opened)" : store.error().message;
}

class S3Backing final : public payload::PayloadBacking {
 public:
  std::unique_ptr<PayloadStore> open() override {
    auto options = options_for(server().url());
    options.bucket = "conformance";
    // Nothing here is about time: on a loaded machine a call may take long.
    options.time_limit = 60s;
    return patient_http::open(options);
  }
};

std::unique_ptr<payload::PayloadBacking> make_backing() {
  return std::make_unique<S3Backing>();
}

}  // namespace

namespace payload {
namespace {
INSTANTIATE_TEST_SUITE_P(S3, PayloadStoreConformance, testing::Values(make_backing));
}  // namespace
}  // namespace payload

namespace {

TEST(S3PayloadStoreTest, HasTheObjectsOfTheGem) {
  const auto store = open(options_for(server().url()));
  ASSERT_TRUE(store->store(kKey, R"({"a":1})"));
  EXPECT_EQ(server().object("payloads", kName), R"({"a":1})");
  EXPECT_THAT(server().metadata("payloads", kName),
              HasSubstr(R"("content-type": "application/json")"));
  ASSERT_TRUE(store->remove(kKey));
  EXPECT_EQ(server().object("payloads", kName), "");
}

TEST(S3PayloadStoreTest, PutsThePrefixBeforeEachKey) {
  auto options = options_for(server().url());
  options.prefix = "a b/ü+(1)/";
  const auto store = open(options);
  ASSERT_TRUE(store->store(kKey, "1"));
  EXPECT_EQ(*store->fetch(kKey), "1");
  EXPECT_EQ(*open(options_for(server().url()))->fetch(kKey), std::nullopt);
}

TEST(S3PayloadStoreTest, TakesKeysOnlyThatAreUuids) {
  const auto store = open(options_for(server().url()));
  EXPECT_FALSE(store->store("../x", "1"));
  EXPECT_FALSE(store->fetch(""));
  EXPECT_FALSE(store->remove("07AA468D-B464-4E75-BEFB-4C20E7C4193D"));
  EXPECT_FALSE(store->exists("x"));
}

TEST(S3PayloadStoreTest, TellsWrongCredentialsAndBucketsApart) {
  auto options = options_for(server().url());
  options.secret_access_key = value("hunter2");
  EXPECT_EQ(why_not_open(options), "the bucket payloads of " + server().url() +
                                       " answered 403 (SignatureDoesNotMatch): the secret access "
                                       "key is wrong");
  options = options_for(server().url());
  options.access_key_id = value("hunter2");
  EXPECT_THAT(why_not_open(options),
              HasSubstr("403 (InvalidAccessKeyId): the access key id is wrong"));
  EXPECT_THAT(why_not_open(options), Not(HasSubstr("hunter2")));
  options = options_for(server().url());
  options.bucket = "another";
  EXPECT_THAT(why_not_open(options),
              StartsWith("the bucket another of " + server().url() +
                         " answered 404 (NoSuchBucket): there is no such bucket"));
  options.secret_access_key = [] { return std::optional<std::string>(); };
  EXPECT_THAT(why_not_open(options), HasSubstr("the secret access key is empty"));
}

// S3 as a server of ours plays it; each object but the one that open() looks for is "it".
class S3FailureTest : public testing::Test {
 protected:
  S3FailureTest() {
    options_ = options_for(server_.url(""));
    options_.prefix = "";
    answer_with(nobody(), 404, "NoSuchKey");
  }
  static std::string nobody() { return "/payloads/00000000-0000-0000-0000-000000000000"; }
  static std::string it() { return std::string("/payloads/") + kKey; }

  void answer_with(const std::string& path, int status, const std::string& code) {
    server_.answer(
        path, status,
        "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>hunter2</Message></Error>",
        "content-type: application/xml\r\n");
  }
  std::size_t count(const std::string& method) const {
    std::size_t count = 0;
    for (const auto& request : server_.requests()) {
      if (request.target == it() && request.method == method) ++count;
    }
    return count;
  }
  // What all the calls say, which is the same.
  std::string failure_of_all_calls() {
    const auto store = open(options_);
    const std::string said = store->fetch(kKey).error().message;
    EXPECT_EQ(store->store(kKey, "1").error().message, said);
    EXPECT_EQ(store->remove(kKey).error().message, said);
    EXPECT_EQ(store->exists(kKey).error().message, said);
    return said;
  }

  test::TestHttpServer server_;
  S3PayloadStoreOptions options_;
};

TEST_F(S3FailureTest, IsAFailureWhenAccessIsDenied) {
  answer_with(it(), 403, "AccessDenied");
  EXPECT_EQ(failure_of_all_calls(),
            "the bucket payloads of " + options_.endpoint +
                " answered 403 (AccessDenied): the credentials need s3:GetObject, s3:PutObject and "
                "s3:DeleteObject, and s3:ListBucket, without which S3 does not say what is "
                "missing");
  EXPECT_EQ(count("PUT"), 1U) << "another attempt would change nothing";
}

TEST_F(S3FailureTest, IsAFailureWhenTheBucketIsGone) {
  answer_with(it(), 404, "NoSuchBucket");
  EXPECT_THAT(failure_of_all_calls(), HasSubstr("404 (NoSuchBucket): there is no such bucket"));
}

TEST_F(S3FailureTest, TakesOnlyTheWordOfS3ForAMissingPayload) {
  server_.answer(it(), 404, "<html>not found</html>");
  EXPECT_THAT(failure_of_all_calls(), HasSubstr("answered 404: is that S3?"));
  const auto store = open(options_);
  answer_with("/payloads/17aa468d-b464-4e75-befb-4c20e7c4193d", 404, "NoSuchKey");
  EXPECT_EQ(*store->fetch("17aa468d-b464-4e75-befb-4c20e7c4193d"), std::nullopt);
  EXPECT_FALSE(*store->exists("17aa468d-b464-4e75-befb-4c20e7c4193d"));
  EXPECT_TRUE(store->remove("17aa468d-b464-4e75-befb-4c20e7c4193d"));
}

TEST_F(S3FailureTest, SaysThatTheRegionIsAnother) {
  server_.answer(it(), 301, "<Error><Code>PermanentRedirect</Code></Error>",
                 "location: http://127.0.0.1:1/\r\n");
  EXPECT_THAT(failure_of_all_calls(), HasSubstr("301 (PermanentRedirect): region and endpoint must "
                                                "be those of the bucket"));
}

TEST_F(S3FailureTest, TriesAgainWhatMayPass) {
  std::atomic<int> calls{0};
  server_.on(it(), [&](const test::ReceivedRequest&, test::ServerConnection& connection) {
    switch (++calls) {
      case 1:
        connection.send(test::TestHttpServer::response(500, "<Code>InternalError</Code>"));
        return;
      case 2:
        connection.send(test::TestHttpServer::response(503, "<Code>SlowDown</Code>"));
        return;
      case 3:
        connection.reset();
        return;
      default:
        connection.send(test::TestHttpServer::response(200, ""));
    }
  });
  options_.time_limit = 60s;
  const auto store = open(options_);
  const auto stored = store->store(kKey, "1");
  EXPECT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(count("PUT"), 4U);
  for (const auto& request : server_.requests()) {
    if (request.target != it()) continue;
    EXPECT_EQ(request.body, "1");
    EXPECT_EQ(request.header("content-type").at(0), "application/json");
    EXPECT_EQ(request.header("authorization").size(), 1U);
  }
}

TEST_F(S3FailureTest, SaysWhatCameBackInTheEnd) {
  options_.retries = 1;
  answer_with(it(), 503, "SlowDown");
  const auto store = open(options_);
  EXPECT_EQ(store->fetch(kKey).error().message,
            "the bucket payloads of " + options_.endpoint + " answered 503 (SlowDown)");
  EXPECT_EQ(count("GET"), 2U);
}

TEST_F(S3FailureTest, WaitsNoLongerThanItsTimeLimit) {
  server_.hang(it());
  options_.time_limit = 200ms;
  const auto store = open(options_);
  const auto begin = std::chrono::steady_clock::now();
  const auto fetched = store->fetch(kKey);
  ASSERT_FALSE(fetched);
  EXPECT_THAT(fetched.error().message, AllOf(HasSubstr("failed in phase wait"), HasSubstr(it())));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
}

TEST_F(S3FailureTest, IsInterruptedByAStop) {
  server_.hang(it());
  options_.time_limit = 1h;
  const auto store = open(options_);
  std::thread stopper([&] {
    EXPECT_TRUE(server_.wait_for_requests(it()));
    store->interrupt();
  });
  const auto fetched = store->fetch(kKey);
  stopper.join();
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().message, "the wait for S3 was interrupted");
  EXPECT_FALSE(store->fetch(kKey)) << "nor does a later call wait";
  store->resume();
  answer_with(nobody(), 404, "NoSuchKey");
  EXPECT_EQ(*store->fetch("00000000-0000-0000-0000-000000000000"), std::nullopt);
}

TEST_F(S3FailureTest, IsAwayWhenNobodyListens) {
  options_.endpoint = "http://127.0.0.1:" + std::to_string(test::free_port());
  options_.retries = 0;
  EXPECT_THAT(why_not_open(options_), HasSubstr("failed in phase"));
}

TEST(S3PayloadStoreOptionsTest, SaysAllThatIsWrong) {
  const S3PayloadStoreOptions nothing{
      .endpoint = "https://user@host/path", .time_limit = 1ms, .retries = -1};
  EXPECT_THAT(nothing.validate(),
              ElementsAre("bucket must be the name of a bucket",
                          HasSubstr("endpoint must be a url without path and credentials"),
                          "region must be a name such as us-east-1",
                          "access_key_id must say where it is found",
                          "secret_access_key must say where it is found",
                          "time_limit must be at least 0.1 s and at most an hour",
                          "retries must be 0 or more"));
  EXPECT_EQ(why_not_open(nothing), "bucket must be the name of a bucket");
  EXPECT_THAT(options_for("http://h:1/").validate(), testing::IsEmpty());
}

TEST(S3PayloadStoreOptionsTest, PutsTheBucketBeforeTheHost) {
  test::TestHttpServer server;
  auto options = options_for(server.url("", "localhost"));
  options.uses_paths = false;
  options.retries = 0;
  // Names below localhost lead to loopback, or nowhere; the message has the url in either case.
  EXPECT_THAT(why_not_open(options),
              HasSubstr("payloads.localhost:" + std::to_string(server.port())));
}

}  // namespace
}  // namespace patient_http
