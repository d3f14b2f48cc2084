#include "daemon/option_sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/configuration_file.h"
#include "support/checkout.h"
#include "support/program.h"
#include "support/temporary_folder.h"
#include "support/test_certificate.h"

namespace patient_http::daemon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;

class OptionSourcesTest : public testing::Test {
 protected:
  // With `text` as the file.
  GatheredOptions gather(const std::string& text, Environment environment = {},
                         GivenFlags flags = {}) {
    test::write_file(path_, text);
    flags.config = path_;
    return gather_options(flags, environment);
  }
  static std::string all(const std::vector<std::string>& problems) {
    std::string lines;
    for (const std::string& problem : problems) lines += problem + "\n";
    return lines;
  }

  test::TemporaryFolder folder_;
  const std::string path_ = folder_.file("config.toml");
  const std::string database_ = folder_.file("jobs.db");
};

TEST_F(OptionSourcesTest, PutsFlagsOverVariablesOverTheFile) {
  const auto gathered = gather("[processor]\nmax_connections = 1\nretries = 1\nmax_redirects = 1\n",
                               {{"PATIENT_HTTP_RETRIES", "2"}, {"PATIENT_HTTP_MAX_REDIRECTS", "2"}},
                               {.values = {{"max_redirects", "3"}, {"database", database_}}});
  EXPECT_THAT(gathered.problems, IsEmpty());
  EXPECT_EQ(gathered.options.processor.max_connections, 1U);
  EXPECT_EQ(gathered.options.processor.retries, 2);
  EXPECT_EQ(gathered.options.processor.max_redirects, 3);
  EXPECT_EQ(gathered.options.shutdown_timeout, 23s);
  EXPECT_EQ(gathered.origins.at("max_connections").place, path_ + ":2");
  EXPECT_EQ(gathered.origins.at("retries").place, "PATIENT_HTTP_RETRIES");
  EXPECT_EQ(gathered.origins.at("max_redirects").place, "--max-redirects");
}

TEST_F(OptionSourcesTest, TakesEveryOptionFromTheFileAndFromTheEnvironment) {
  ServeOptions defaults;
  std::string file;
  std::string_view section;
  Environment environment;
  for (const Option& option : options_of(defaults)) {
    std::string value = toml_of(option.value);
    if (value.empty()) value = option.key == "protocol" ? "\"http2\"" : "1.5";
    if (option.section != section) file += "[" + std::string(option.section) + "]\n";
    section = option.section;
    file += std::string(option.key) + " = " + value + "\n";
    std::erase_if(value, [](char c) { return c == '"' || c == '[' || c == ']'; });
    environment[option.variable()] = value;
  }
  environment["REDIS_URL"] = "redis://localhost";
  EXPECT_EQ(all(gather(file, {{"REDIS_URL", "redis://localhost"}}).problems), "");
  EXPECT_EQ(all(gather("", environment).problems), "");
}

TEST_F(OptionSourcesTest, ReadsListsWithCommasAndAddsUpFlags) {
  const auto gathered = gather("[network_policy]\ndeny_ports = [25]\n",
                               {{"PATIENT_HTTP_ALLOW_NETWORKS", "10.0.0.0/8, ::1"},
                                {"PATIENT_HTTP_UNTRUSTED_DENY_PRIVATE_NETWORKS", "false"}},
                               {.values = {{"deny_hosts", "a.test,b.test"},
                                           {"deny_hosts", "c.test"},
                                           {"deny_private_networks", "true"},
                                           {"untrusted_allow_ports", "80,443"},
                                           {"database", database_}}});
  EXPECT_EQ(all(gathered.problems), "");
  EXPECT_EQ(gathered.options.processor.network_policy,
            (NetworkPolicy{.deny_private_networks = true,
                           .allow_networks = {"10.0.0.0/8", "::1"},
                           .deny_hosts = {"a.test", "b.test", "c.test"},
                           .deny_ports = {25}}));
  EXPECT_EQ(gathered.options.processor.untrusted_network_policy,
            (NetworkPolicy{.allow_ports = {80, 443}}));
}

TEST_F(OptionSourcesTest, SaysWhereAPolicyIsWrong) {
  const auto gathered =
      gather("[network_policy]\nallow_networks = [\"10.0.0.0/33\", \"x\"]\n",
             {{"PATIENT_HTTP_UNTRUSTED_DENY_HOSTS", "a b/c"}, {"PATIENT_HTTP_DENY_PORTS", "http"}},
             {.values = {{"database", database_}}});
  const std::string problems = all(gathered.problems);
  EXPECT_THAT(problems, HasSubstr(path_ + ":2: network_policy.allow_networks must be networks such "
                                          "as 10.0.0.0/8, or addresses, got: \"10.0.0.0/33\""));
  EXPECT_THAT(problems, HasSubstr("or addresses, got: \"x\""));
  EXPECT_THAT(problems, HasSubstr("PATIENT_HTTP_UNTRUSTED_DENY_HOSTS: "
                                  "untrusted_network_policy.deny_hosts must be hosts such as "));
  EXPECT_THAT(problems, HasSubstr("PATIENT_HTTP_DENY_PORTS must be ports from 1 to 65535"));
}

TEST_F(OptionSourcesTest, SaysAllThatIsWrongAtOnce) {
  const auto gathered = gather(
      "[processor]\nmax_connections = 0\nmax_conections = 1\nca_file = \"/no/such.pem\"\n"
      "[redis]\nqueues = [\"a\", \"a\"]\ncallback_queue = \"a\"\n",
      {{"PATIENT_HTTP_RETRIES", "few"},
       {"PATIENT_HTTP_SHUTDOWN_TIMEOUT", "-1"},
       {"REDIS_URL", "redis://localhost"}},
      {.values = {{"max_redirects", "-1"}, {"log_level", "loud"}}, .unknown = {"--nonsense: no"}});
  EXPECT_THAT(
      gathered.problems,
      ElementsAre(path_ + ":3: unknown key processor.max_conections; did you mean max_connections?",
                  "PATIENT_HTTP_RETRIES must be a whole number, 0 or more", "--nonsense: no",
                  "--max-redirects must be a whole number, 0 or more",
                  "--log-level must be one of: debug, info, warn, error",
                  path_ + ":2: max_connections must be a positive number, got: 0",
                  path_ + ":6: the queue \"a\" is listed twice",
                  HasSubstr(path_ + ":7: the callback queue"), HasSubstr("the callback queue"),
                  "PATIENT_HTTP_SHUTDOWN_TIMEOUT: shutdown_timeout must be 0 or more",
                  path_ + ":4: ca_file /no/such.pem cannot be read"));
}

// Kubernetes sets such variables for a Service "patient-http": they must not keep it from starting.
TEST_F(OptionSourcesTest, WarnsOfVariablesThatAreNoOptions) {
  const auto gathered = gather("", {{"PATIENT_HTTP_REDIS_URLS", "x"},
                                    {"PATIENT_HTTP_SERVICE_HOST", "10.0.0.1"},
                                    {"PATIENT_HTTP_PORT_80_TCP", "tcp://10.0.0.1:80"},
                                    {"REDIS_URL", "redis://localhost"}});
  EXPECT_EQ(all(gathered.problems), "");
  EXPECT_THAT(all(gathered.warnings),
              AllOf(HasSubstr("PATIENT_HTTP_REDIS_URLS: no such option; did you mean "
                              "PATIENT_HTTP_REDIS_URL?"),
                    HasSubstr("PATIENT_HTTP_SERVICE_HOST: no such option"),
                    HasSubstr("PATIENT_HTTP_PORT_80_TCP: no such option")));
}

TEST_F(OptionSourcesTest, PointsToTheHelpWhenNothingIsNear) {
  const auto gathered =
      gather("", {{"PATIENT_HTTP_COLOUR_OF_THE_SKY", "blue"}, {"REDIS_URL", "redis://localhost"}});
  EXPECT_THAT(all(gathered.warnings),
              HasSubstr("PATIENT_HTTP_COLOUR_OF_THE_SKY: no such option; see --help"));
}

TEST_F(OptionSourcesTest, TakesVariablesThatTheFileNamesForSecrets) {
  const auto gathered =
      gather("[secrets]\na = { env = \"PATIENT_HTTP_API_TOKEN\" }\n",
             {{"PATIENT_HTTP_API_TOKEN", "t"}, {"REDIS_URL", "redis://localhost"}});
  EXPECT_EQ(all(gathered.problems), "");
}

TEST_F(OptionSourcesTest, KnowsWherePreprocessorsHaveTheirSecretsFrom) {
  const auto gathered = gather(
      "[preprocessors.token]\ntype = \"bearer\"\ntoken = { env = \"PATIENT_HTTP_TOKEN\" }\n"
      "[preprocessors.sign]\ntype = \"hmac\"\nsecret = { file = \"later\" }\n",
      {{"PATIENT_HTTP_TOKEN", "t"}, {"REDIS_URL", "redis://localhost"}});
  EXPECT_EQ(all(gathered.problems), "");
  EXPECT_THAT(gathered.warnings,
              testing::Contains(path_ + ":4: preprocessors.sign.secret: cannot read " +
                                folder_.file("later")));
  EXPECT_THAT(all(gathered.warnings), Not(HasSubstr("no such option")));
}

TEST_F(OptionSourcesTest, FindsItsRedisWhereSidekiqDoes) {
  const auto url = [&](Environment environment) {
    const auto gathered = gather("", std::move(environment));
    return gathered.problems.empty() ? gathered.options.redis.url : all(gathered.problems);
  };
  EXPECT_EQ(url({{"REDIS_URL", "redis://a"}}), "redis://a");
  EXPECT_EQ(
      url({{"REDIS_URL", "redis://a"}, {"REDIS_PROVIDER", "MY_REDIS"}, {"MY_REDIS", "redis://b"}}),
      "redis://b");
  EXPECT_EQ(url({{"REDIS_URL", "redis://a"}, {"PATIENT_HTTP_REDIS_URL", "redis://c"}}),
            "redis://c");
  EXPECT_EQ(url({{"REDIS_PROVIDER", "MY_REDIS"}}),
            "REDIS_PROVIDER names MY_REDIS, which is not set\n");
  EXPECT_EQ(url({{"REDIS_PROVIDER", "redis://u:hunter2@host"}}),
            "REDIS_PROVIDER holds the name of the variable with the url, such as REDISCLOUD_URL, "
            "not the url itself\n");
  EXPECT_EQ(url({}),
            "nothing says where jobs are kept: give --redis URL or --database FILE, or set "
            "REDIS_URL\n");
}

TEST_F(OptionSourcesTest, KeepsJobsInOnePlace) {
  const std::string file = "[service]\ndatabase = \"" + database_ + "\"\n";
  EXPECT_EQ(gather(file, {{"REDIS_URL", "redis://a"}}).store_text(), "the database " + database_);
  const auto over = gather(file, {{"PATIENT_HTTP_REDIS_URL", "redis://u:hunter2@a:1/0"}});
  EXPECT_EQ(all(over.problems), "");
  EXPECT_EQ(over.store_text(), "redis://a:1/0");
  const auto both =
      gather("", {}, {.values = {{"redis_url", "redis://a"}, {"database", database_}}});
  EXPECT_EQ(all(both.problems),
            "--redis and --database: give one of them, jobs are kept in one place\n");
}

TEST_F(OptionSourcesTest, ChecksTheFilesThatItWillNeed) {
  const auto gathered = gather(
      "[service]\ndatabase = \"/no/such/jobs.db\"\n"
      "[log]\nfile = \"/no/such/log\"\n"
      "[payload_stores]\nhere = { type = \"file\", directory = \"a/b/c\" }\n"
      "there = { type = \"file\", directory = \"config.toml/x\" }\n"
      "[encryption]\nkeys = { file = \"no.key\" }\n"
      "[secrets]\nlater = { file = \"later\" }\n");
  EXPECT_THAT(
      gathered.problems,
      ElementsAre(path_ + ":2: the database /no/such/jobs.db cannot be written: /no/such is no "
                          "directory that is writable",
                  path_ + ":4: the log file /no/such/log cannot be written: /no/such is no "
                          "directory that is writable",
                  path_ + ":7: the payload store there cannot be written: " + path_ +
                      " is no directory that is writable",
                  path_ + ":9: encryption.keys: cannot read " + folder_.file("no.key")));
  EXPECT_THAT(gathered.warnings, testing::Contains(path_ + ":11: secrets.later: cannot read " +
                                                   folder_.file("later")));
}

TEST_F(OptionSourcesTest, RefusesMoreConnectionsThanFilesMayBeOpen) {
  const auto gathered =
      gather("", {{"REDIS_URL", "redis://a"}}, {.values = {{"max_connections", "1000000"}}});
  // Where a million files may be open nothing is wrong.
  if (gathered.problems.empty()) return;
  EXPECT_THAT(gathered.problems[0], HasSubstr("max_connections 1000000 needs 1000100 open files"));
}

TEST_F(OptionSourcesTest, WritesItselfWithoutSecrets) {
  const auto gathered = gather(
      "[redis]\nurl = \"redis://u:hunter2@host:6379/1\"\nqueues = [\"a,2\", \"b\"]\n"
      "[payload_stores]\nfiles = { type = \"file\", directory = \"/tmp\" }\n"
      "r = { type = \"redis\", url = \"redis://:hunter2@host/2\", lifetime = 60 }\n"
      "[encryption]\nkeys = [\"hunter2\", { env = \"PATH\" }]\n"
      "[secrets]\nliteral = \"hunter2\"\nfile = { file = \"/etc/hostname\" }\n"
      "command = { command = \"echo hunter2\" }\n"
      "[preprocessors]\ntoken = { type = \"bearer\", token = \"hunter2\" }\n"
      "s3 = { type = \"aws_sigv4\", service = \"s3\", region = \"r\", access_key_id = \"hunter2\", "
      "secret_access_key = { secret = \"literal\" }, signs_body = false }\n"
      "hook = { type = \"hmac\", secret = \"hunter2\", parts = [\"timestamp\", \"body\"], "
      "timestamp_header = \"x-time\", prefix = \"v1=\" }\n",
      {}, {.values = {{"log_level", "debug"}}});
  EXPECT_EQ(all(gathered.problems), "");
  const std::string text = configuration_text(gathered);
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  for (const char* line :
       {"max_connections = 256  # default", "# idle_timeout is not set",
        "url = \"redis://***@host:6379/1\"  # FILE:2", "queues = [\"a,2\", \"b\"]  # FILE:3",
        "files = { type = \"file\", directory = \"/tmp\" }  # FILE:5",
        "r = { type = \"redis\", url = \"redis://***@host/2\", prefix = "
        "\"patient_http:payloads:\", lifetime = 60 }  # FILE:6",
        "keys = [\"***\", { env = \"PATH\" }]  # FILE:8", "literal = \"***\"  # FILE:10",
        "file = { file = \"/etc/hostname\" }  # FILE:11",
        "command = { command = \"***\" }  # FILE:12",
        "token = { type = \"bearer\", token = \"***\" }  # FILE:14",
        "s3 = { type = \"aws_sigv4\", service = \"s3\", region = \"r\", signs_body = false, "
        "access_key_id = \"***\", secret_access_key = { secret = \"literal\" } }  # FILE:15",
        "hook = { type = \"hmac\", header = \"x-signature\", prefix = \"v1=\", algorithm = "
        "\"sha256\", encoding = \"hex\", parts = [\"timestamp\", \"body\"], separator = \"\\n\", "
        "timestamp_header = \"x-time\", secret = \"***\" }  # FILE:16",
        "level = \"debug\"  # --log-level"}) {
    std::string expected = line;
    if (const auto at = expected.find("FILE"); at != std::string::npos)
      expected.replace(at, 4, path_);
    EXPECT_THAT(text, HasSubstr("\n" + expected + "\n"));
  }
}

TEST_F(OptionSourcesTest, TakesClientCertificatesAndShowsNoPassphrase) {
  const test::TestCertificate& client = test::TestCertificate::for_client();
  const std::string key = client.encrypted_key("hunter2");
  const auto gathered = gather("[service]\ndatabase = \"" + database_ +
                               "\"\n[[client_certificates]]\nhost = \"*.example.com\"\n"
                               "certificate_file = \"" +
                               client.certificate_file + "\"\nkey_file = \"" + key +
                               "\"\npassphrase = \"hunter2\"\n");
  EXPECT_EQ(all(gathered.problems), "");
  const auto options = processor_options(gathered.options);
  ASSERT_EQ(options.client_certificates.size(), 1U);
  EXPECT_EQ(options.client_certificates[0].host, "*.example.com");
  EXPECT_EQ(options.client_certificates[0].passphrase(), "hunter2");
  EXPECT_THAT(
      configuration_text(gathered),
      HasSubstr("\n[[client_certificates]]  # " + path_ +
                ":3\nhost = \"*.example.com\"\ncertificate_file = \"" + client.certificate_file +
                "\"\nkey_file = \"" + key + "\"\npassphrase = \"***\"\n"));
}

TEST_F(OptionSourcesTest, SaysWhichClientCertificateIsOfNoUse) {
  const test::TestCertificate& expired = test::TestCertificate::expired();
  const std::string service = "[service]\ndatabase = \"" + database_ + "\"\n";
  const auto table = [](const std::string& host, const std::string& file, const std::string& key) {
    return "[[client_certificates]]\nhost = \"" + host + "\"\ncertificate_file = \"" + file +
           "\"\nkey_file = \"" + key + "\"\n";
  };
  EXPECT_THAT(
      gather(service + table("a.example", expired.certificate_file, expired.key_file)).problems,
      ElementsAre(HasSubstr(path_ +
                            ":3: the client certificate for a.example: the certificate in " +
                            expired.certificate_file + " expired on ")));
  EXPECT_THAT(gather(service + table("*", "x.pem", "x.key")).problems,
              Contains(HasSubstr("client_certificates must be for hosts such as")));
  for (const char* bad :
       {"client_certificates = 1\n", "[client_certificates]\nhost = \"a.example\"\n",
        "[[client_certificates]]\nhost = \"a.example\"\n",
        "[[client_certificates]]\nhost = \"a.example\"\ncertificate_file = \"a\"\nkey = \"b\"\n",
        "[[client_certificates]]\nhost = \"a.example\"\ncertificate_file = \"a\"\n"
        "passphrase = 1\n"}) {
    EXPECT_THAT(gather(bad + service).problems, Contains(HasSubstr("client_certificates"))) << bad;
  }
}

TEST_F(OptionSourcesTest, IsDocumentedInFull) {
  const std::string docs = test::read_file(PATIENT_HTTP_SOURCE_DIR "/docs/operations.md");
  ServeOptions options;
  for (const Option& option : options_of(options)) {
    EXPECT_THAT(docs, HasSubstr("`" + std::string(option.key) + "`"));
    if (option.key == option.name) continue;
    EXPECT_THAT(docs, HasSubstr("`" + option.flag() + "`")) << option.path();
  }
}

TEST_F(OptionSourcesTest, TakesTheFileThatTheDocumentationShows) {
  const std::string docs = test::read_file(PATIENT_HTTP_SOURCE_DIR "/docs/operations.md");
  const std::string fence = "```toml\n";
  const std::size_t begin = docs.find(fence, docs.find("## patient-http serve")) + fence.size();
  test::write_file(path_, docs.substr(begin, docs.find("```", begin) - begin));
  ServeOptions options;
  Origins origins;
  const auto read = read_configuration_file(path_, options, origins);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(options.redis.queues.size(), 2U);
  EXPECT_EQ(options.encryption_keys.size(), 2U);
  EXPECT_EQ(options.log_format, LogFormat::kJson);
  EXPECT_THAT(validate(options), IsEmpty());
}

// What is written can be read again, and means the same.
TEST_F(OptionSourcesTest, ReadsWhatItWrites) {
  const std::string file = "[service]\ndatabase = \"" + database_ + "\"\n";
  const std::string written = configuration_text(gather(file));
  const auto again = gather(written);
  EXPECT_EQ(all(again.problems), "");
  const auto without_comments = [](const std::string& text) {
    std::string lines;
    for (const std::string& line : test::lines_of(text))
      lines += line.substr(0, line.find("  #")) + "\n";
    return lines;
  };
  EXPECT_EQ(without_comments(configuration_text(again)), without_comments(written));
}

}  // namespace
}  // namespace patient_http::daemon
