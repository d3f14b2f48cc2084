#include "daemon/configuration_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "patient_http/inline_executor.h"
#include "support/checkout.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"

namespace patient_http::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class ConfigurationFileTest : public testing::Test {
 protected:
  Result<void> read(const std::string& text) {
    std::ofstream(path()) << text;
    return read_configuration_file(path(), options_);
  }
  // What is wrong with `text`.
  std::string problems(const std::string& text) {
    const auto result = read(text);
    return result ? std::string() : result.error().message;
  }
  [[nodiscard]] std::string path() const { return folder_.file("patient-http.toml"); }

  // What a server gets for a secret of that name.
  std::string value_of(const std::string& secret) {
    test::TestHttpServer server;
    options_.log = Log();
    const auto request =
        Request::create({.url = server.url("/"),
                         .headers = {{"x-secret", SecretReference::create(secret).value()}}});
    const auto response = InlineExecutor(options_).send(request.value());
    if (!response) return "error: " + response.error().message();
    return server.requests().at(0).header("x-secret").at(0);
  }

  test::TemporaryFolder folder_;
  ProcessorOptions options_;
};

TEST_F(ConfigurationFileTest, SetsTheOptionsOfTheProcessor) {
  const auto done = read(
      "[processor]\n"
      "max_connections = 1_000\nrequest_timeout = 600\nconnection_timeout = 2.5\n"
      "retries = 0\nuser_agent = \"me\"\nraise_error_responses = true\n");
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(options_.max_connections, 1000U);
  EXPECT_EQ(options_.request_timeout, Seconds(600));
  EXPECT_EQ(options_.connection_timeout, Seconds(2.5));
  EXPECT_EQ(options_.first_byte_timeout, std::nullopt);
  EXPECT_EQ(options_.retries, 0);
  EXPECT_EQ(options_.user_agent, "me");
  EXPECT_TRUE(options_.raise_error_responses);
  EXPECT_EQ(options_.max_redirects, 5);
}

TEST_F(ConfigurationFileTest, ReportsEverythingThatIsWrongWithItsLine) {
  const std::string found = problems(
      "[processor]\n"
      "max_conections = 3\n"
      "retries = -1\n"
      "request_timeout = \"a while\"\n"
      "raise_error_responses = 1\n");
  const std::string expected =
      path() + ":2: unknown key processor.max_conections; did you mean max_connections?";
  EXPECT_EQ(found.substr(0, expected.size()), expected);
  EXPECT_EQ(found.substr(found.find('\n') + 1),
            path() + ":3: processor.retries must be a whole number, 0 or more\n" + path() +
                ":4: processor.request_timeout must be a number of seconds\n" + path() +
                ":5: processor.raise_error_responses must be true or false");
  EXPECT_THAT(problems("[queues]\n"), HasSubstr(":1: unknown key queues; known are: "
                                                "client_certificates, encryption, log, "
                                                "network_policy, payload_stores, preprocessors, "
                                                "processor, redis, secrets, service, "
                                                "untrusted_network_policy"));
  EXPECT_THAT(problems("processor = 1\n"), HasSubstr(":1: processor must be a table"));
}

TEST_F(ConfigurationFileTest, NeverShowsWhatStandsInTheFile) {
  for (const char* text :
       {"[secrets]\na = hunter2\n", "[secrets]\na = \"hunter2\n", "[secrets]\na = [\"hunter2\"]\n",
        "[secrets]\na = { env = \"x\", b = \"hunter2\" }\n",
        "[processor]\nretries = \"hunter2\"\n"}) {
    EXPECT_THAT(problems(text), HasSubstr(":2: ")) << text;
    EXPECT_THAT(problems(text), Not(HasSubstr("hunter2")));
  }
}

TEST_F(ConfigurationFileTest, ReadsTheSectionsOfAService) {
  ServeOptions options;
  Origins origins;
  std::ofstream(path())
      << "[redis]\n"
         "queues = [\"a,2\", { name = \"b\", shared = true }, \"c,1,shared\"]\n"
         "callback_retry = 3\nheartbeat_interval = 1.5\n"
         "[log]\nlevel = \"warn\"\nformat = \"json\"\n"
         "[payload_stores]\nthreshold = 10\n"
         "z = { type = \"file\", directory = \"here\" }\n"
         "a = { type = \"sqlite\", database = \"/x.db\" }\n"
         "r = { type = \"redis\", prefix = \"p:\", lifetime = 1.5, second_copy_lifetime = 60 }\n"
         "[encryption]\nkeys = [{ env = \"KEY\" }, \"old\"]\ndigest = \"sha256\"\n"
         "[processor]\nretry_on = [\"timeout\", 503]\n"
         "[[processor.host_limits]]\nhost = \"api.example.com:8443\"\nmax_requests = 4\n"
         "max_connections = 2\n"
         "[[processor.host_limits]]\nhost = \"*.example.com\"\nmax_requests = 0\n";
  const auto done = read_configuration_file(path(), options, origins);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  ASSERT_EQ(options.redis.queues.size(), 3U);
  EXPECT_EQ(options.redis.queues[0].weight, 2);
  EXPECT_EQ(options.redis.queues[1].name, "b");
  EXPECT_TRUE(options.redis.queues[1].is_shared);
  EXPECT_TRUE(options.redis.queues[2].is_shared);
  EXPECT_EQ(options.redis.callback_retries, 3);
  ASSERT_EQ(options.processor.host_limits.size(), 2U);
  EXPECT_EQ(options.processor.host_limits[0].host, "api.example.com:8443");
  EXPECT_EQ(options.processor.host_limits[0].max_requests, 4U);
  EXPECT_EQ(options.processor.host_limits[0].max_connections, 2U);
  EXPECT_EQ(options.processor.host_limits[1].host, "*.example.com");
  EXPECT_EQ(options.processor.host_limits[1].max_requests, 0U);
  EXPECT_EQ(options.processor.retry_on,
            (RetryOn{.connection = false, .timeout = true, .statuses = {503}}));
  EXPECT_EQ(options.redis.heartbeat_interval, 1500ms);
  EXPECT_EQ(options.log_level, LogLevel::kWarn);
  EXPECT_EQ(options.log_format, LogFormat::kJson);
  EXPECT_EQ(options.payload_threshold, 10U);
  ASSERT_EQ(options.payload_stores.size(), 3U) << "the order of the file counts";
  EXPECT_EQ(options.payload_stores[0].path, folder_.file("here"));
  EXPECT_EQ(options.payload_stores[1].name, "a");
  const RedisPayloadStoreOptions& redis = options.payload_stores[2].redis;
  EXPECT_EQ(redis.url, "");
  EXPECT_EQ(redis.prefix, "p:");
  EXPECT_EQ(redis.lifetime, 1500ms);
  EXPECT_EQ(redis.second_copy_lifetime, 60s);
  ASSERT_EQ(options.encryption_keys.size(), 2U);
  EXPECT_EQ(options.encryption_keys[0].kind, SecretSource::Kind::kEnvironment);
  EXPECT_EQ(options.encryption.digest, EncryptionFormat::Digest::kSha256);
  EXPECT_EQ(origins["log_level"].place, path() + ":6");
}

TEST_F(ConfigurationFileTest, RefusesWhatDoesNotFitInTheSectionsOfAService) {
  EXPECT_EQ(
      problems("[redis]\nqueues = [\"a b\"]\ncallback_retry = false\n"
               "[log]\nlevel = \"loud\"\n"
               "[payload_stores]\nx = { type = \"nfs\" }\n\"a/b\" = 1\n"
               "[encryption]\nkeys = [\"\", 7]\n"),
      path() +
          ":2: redis.queues must be a list of \"NAME[,WEIGHT][,shared]\" or { name = "
          "\"NAME\", weight = 1, shared = true }, names without spaces\n" +
          path() + ":3: redis.callback_retry must be true or a whole number, 0 or more\n" + path() +
          ":5: log.level must be one of: debug, info, warn, error\n" + path() +
          ":7: payload_stores.x must be { type = \"file\", directory = \"PATH\" }, { type = "
          "\"sqlite\", database = \"PATH\" }, { type = \"redis\", url = \"URL\", prefix = "
          "\"TEXT\", lifetime = SECONDS, second_copy_lifetime = SECONDS, ca_file = \"PATH\" }, "
          "with type alone required, or { type = \"s3\", bucket = \"NAME\", region = \"NAME\", "
          "access_key_id = …, secret_access_key = … }\n" +
          path() +
          ":8: payload_stores.a/b must have a name of 1 to 64 letters, digits, '_', "
          "'-' or '.'\n" +
          path() + ":10: encryption.keys must not be empty\n" + path() +
          ":10: encryption.keys must be the value in quotes, or { env = \"NAME\" }, "
          "{ file = \"PATH\" } or { command = \"…\" }");
}

TEST_F(ConfigurationFileTest, SaysThatAFileCannotBeRead) {
  const auto missing = read_configuration_file(folder_.file("missing.toml"), options_);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().message, "cannot read " + folder_.file("missing.toml"));
  EXPECT_FALSE(read_configuration_file(folder_.path().string(), options_).has_value());
}

TEST_F(ConfigurationFileTest, TakesSecretsFromWhereTheyAre) {
  std::ofstream(folder_.file("token")) << "from a file\n";
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing else runs yet
  ASSERT_EQ(::setenv("PATIENT_HTTP_TEST_SECRET", "from the environment", 1), 0);
  const auto done = read(
      "[secrets]\n"
      "literal = \"as it is\"\n"
      "variable = { env = \"PATIENT_HTTP_TEST_SECRET\" }\n"
      "file = { file = \"token\" }\n"
      "command = { command = \"echo from a command\", lifetime = 0 }\n");
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(value_of("literal"), "as it is");
  EXPECT_EQ(value_of("variable"), "from the environment");
  EXPECT_EQ(value_of("file"), "from a file");
  EXPECT_EQ(value_of("command"), "from a command");
  std::ofstream(folder_.file("token")) << "changed meanwhile\n";
  EXPECT_EQ(value_of("file"), "changed meanwhile");
}

TEST_F(ConfigurationFileTest, TakesTheFileThatTheDocumentationShows) {
  std::ifstream file(PATIENT_HTTP_SOURCE_DIR "/docs/operations.md");
  const std::string docs{std::istreambuf_iterator<char>(file), {}};
  const std::string fence = "```toml\n";
  const std::size_t begin = docs.find(fence);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t end = docs.find("```", begin + fence.size());
  const auto done = read(docs.substr(begin + fence.size(), end - begin - fence.size()));
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(options_.request_timeout, Seconds(300));
  EXPECT_EQ(options_.secrets.names().size(), 4U);
  EXPECT_EQ(value_of("test"), "the value itself");
}

TEST_F(ConfigurationFileTest, ReadsWhereRequestsMayGo) {
  const auto done = read(
      "[network_policy]\ndeny_private_networks = true\nallow_networks = [\"10.0.0.0/8\", "
      "\"::1\"]\ndeny_ports = [25, 22]\n[untrusted_network_policy]\n"
      "deny_private_networks = false\nallow_hosts = [\"*.a.test\"]\n");
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(options_.network_policy, (NetworkPolicy{.deny_private_networks = true,
                                                    .allow_networks = {"10.0.0.0/8", "::1"},
                                                    .deny_ports = {25, 22}}));
  EXPECT_EQ(options_.untrusted_network_policy, (NetworkPolicy{.allow_hosts = {"*.a.test"}}));
}

TEST_F(ConfigurationFileTest, RefusesListsOfOtherThings) {
  const std::string section = "[network_policy]\n";
  for (const char* wrong : {"\"10.0.0.0/8\"", "[1]", "[\"a b\"]", "[\"a,b\"]", "[\"\"]"}) {
    EXPECT_THAT(problems(section + "deny_networks = " + wrong + "\n"),
                HasSubstr(":2: network_policy.deny_networks must be a list of texts in quotes"))
        << wrong;
  }
  for (const char* wrong : {"80", "[\"80\"]", "[0]", "[65536]", "[-1]"}) {
    EXPECT_THAT(problems(section + "deny_ports = " + wrong + "\n"),
                HasSubstr(":2: network_policy.deny_ports must be "))
        << wrong;
  }
}

TEST_F(ConfigurationFileTest, RefusesSourcesThatItDoesNotKnow) {
  for (const char* source :
       {"{}", "{ env = \"\" }", "{ env = \"A\", file = \"b\" }", "{ url = \"x\" }",
        "{ file = \"x\", lifetime = 3 }", "7", "{ command = 7 }"}) {
    EXPECT_THAT(problems(std::string("[secrets]\na = ") + source + "\n"),
                HasSubstr(":2: secrets.a must be the value in quotes"))
        << source;
  }
  EXPECT_THAT(problems("[secrets]\na = { command = \"x\", lifetime = -1 }\n"),
              HasSubstr("lifetime of 0 or more seconds"));
}

}  // namespace
}  // namespace patient_http::daemon
