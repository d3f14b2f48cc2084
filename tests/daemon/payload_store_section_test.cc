#include "daemon/payload_store_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/option_sources.h"
#include "support/program.h"
#include "support/temporary_folder.h"
#include "support/test_s3.h"

namespace patient_http::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

constexpr const char* kKey = "07aa468d-b464-4e75-befb-4c20e7c4193d";

class PayloadStoreSectionTest : public testing::Test {
 protected:
  GatheredOptions gather(const std::string& text, const Environment& environment = {}) {
    test::write_file(path_, text);
    return gather_options({.config = path_, .values = {{"database", folder_.file("jobs.db")}}},
                          environment);
  }
  static std::string all(const std::vector<std::string>& problems) {
    std::string lines;
    for (const std::string& problem : problems) lines += problem + "\n";
    return lines;
  }

  test::TemporaryFolder folder_;
  const std::string path_ = folder_.file("config.toml");
};

TEST_F(PayloadStoreSectionTest, OpensAStoreInS3) {
  test::TestS3 server({"payloads"});
  test::write_file(folder_.file("id"), "S3RVER\n");
  const auto gathered = gather(
      "[secrets]\nkey = \"S3RVER\"\n"
      "[payload_stores.big]\ntype = \"s3\"\nbucket = \"payloads\"\nregion = \"us-east-1\"\n"
      "endpoint = \"" +
      server.url() +
      "\"\nprefix = \"p/\"\naccess_key_id = { file = \"id\" }\n"
      "secret_access_key = { secret = \"key\" }\ntime_limit = 60\nretries = 1\n");
  ASSERT_EQ(all(gathered.problems), "");
  EXPECT_EQ(gathered.options.payload_stores.at(0).s3.time_limit, 60s);
  const auto configuration = make_configuration(gathered.options);
  ASSERT_TRUE(configuration.has_value()) << configuration.error().message;
  ASSERT_TRUE(configuration->payloads.stores.at(0).store->store(kKey, "{}"));
  EXPECT_EQ(server.object("payloads", std::string("p/") + kKey), "{}");
}

TEST_F(PayloadStoreSectionTest, SaysWhyAStoreInS3CannotBeOpened) {
  test::TestS3 server({"payloads"});
  const auto gathered = gather(
      "[payload_stores]\nbig = { type = \"s3\", bucket = \"other\", region = \"r\", endpoint = \"" +
      server.url() + "\", access_key_id = \"S3RVER\", secret_access_key = \"S3RVER\" }\n");
  ASSERT_EQ(all(gathered.problems), "");
  const auto configuration = make_configuration(gathered.options);
  ASSERT_FALSE(configuration.has_value());
  EXPECT_EQ(configuration.error().message,
            "cannot open the payload store big: the bucket other of " + server.url() +
                " answered 404 (NoSuchBucket): there is no such bucket");
}

TEST_F(PayloadStoreSectionTest, ReportsEachKeyThatIsWrong) {
  const auto gathered = gather(
      "[payload_stores.one]\ntype = \"s3\"\nbucket = \"hunter2/\"\nregion = \"r\"\n"
      "secret_access_key = \"hunter2\"\ntime_limit = 0\n"
      "[payload_stores.two]\ntype = \"s3\"\nbuckett = \"b\"\nretries = \"few\"\nuses_paths = 1\n"
      "access_key_id = { secret = \"nobody\" }\n");
  const std::string found = all(gathered.problems);
  EXPECT_EQ(found,
            path_ + ":1: payload_stores.one.access_key_id must say where it is found\n" + path_ +
                ":3: payload_stores.one.bucket must be the name of a bucket\n" + path_ +
                ":6: payload_stores.one.time_limit must be at least 0.1 s and at most an hour\n" +
                path_ + ":9: unknown key payload_stores.two.buckett; did you mean bucket?\n" +
                path_ + ":10: payload_stores.two.retries must be a whole number, 0 or more\n" +
                path_ + ":11: payload_stores.two.uses_paths must be true or false\n" + path_ +
                ":12: payload_stores.two.access_key_id refers to a secret that [secrets] does not "
                "have\n");
  EXPECT_THAT(found, Not(HasSubstr("hunter2")));
}

TEST_F(PayloadStoreSectionTest, NeedsItsCredentialsAtOnceAndShowsNone) {
  const auto gathered = gather(
      "[payload_stores]\nbig = { type = \"s3\", bucket = \"b\", region = \"r\", uses_paths = true, "
      "access_key_id = { env = \"PATIENT_HTTP_NO_SUCH\" }, secret_access_key = \"hunter2\" }\n");
  EXPECT_EQ(all(gathered.problems),
            path_ +
                ":2: payload_stores.big.access_key_id: the environment variable "
                "PATIENT_HTTP_NO_SUCH is not set\n");
  EXPECT_THAT(configuration_text(gathered),
              HasSubstr("\nbig = { type = \"s3\", bucket = \"b\", region = \"r\", uses_paths = "
                        "true, prefix = \"patient_http/payloads/\", time_limit = 10, retries = 3, "
                        "access_key_id = { env = \"PATIENT_HTTP_NO_SUCH\" }, secret_access_key = "
                        "\"***\" }  # " +
                        path_ + ":2\n"));
}

}  // namespace
}  // namespace patient_http::daemon
