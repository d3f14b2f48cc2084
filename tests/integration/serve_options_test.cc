// `patient-http serve` as far as it goes without serving: its options, and how it refuses to start.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/program.h"
#include "support/temporary_folder.h"

namespace patient_http {
namespace {

using test::Program;
using testing::HasSubstr;
using testing::MatchesRegex;

class ServeOptionsTest : public testing::Test {
 protected:
  // `patient-http serve …`, to its end. Gives the exit status.
  int serve(std::vector<std::string> arguments, const std::vector<std::string>& environment = {}) {
    arguments.insert(arguments.begin(), "serve");
    Program program("patient-http", arguments, {.environment = environment});
    const int status = program.wait();
    output_ = program.output();
    errors_ = program.errors();
    return status;
  }

  test::TemporaryFolder folder_;
  const std::string config_ = folder_.file("config.toml");
  const std::string database_ = folder_.file("jobs.db");
  std::string output_;
  std::string errors_;
};

TEST_F(ServeOptionsTest, ChecksItsConfigurationAndSaysAllThatIsWrong) {
  test::write_file(config_, "[service]\ndatabase = \"" + database_ + "\"\n");
  EXPECT_EQ(serve({"--config", config_, "--check-config"}), 0) << errors_;
  EXPECT_EQ(output_, "ok\n");
  EXPECT_EQ(errors_, "");

  EXPECT_EQ(serve({"--config", config_, "--check-config"}, {"PATIENT_HTTP_RETRYS=1"}), 0);
  EXPECT_EQ(output_, "ok\n");
  EXPECT_EQ(errors_,
            "warning: PATIENT_HTTP_RETRYS: no such option; did you mean PATIENT_HTTP_RETRIES?\n");

  test::write_file(config_, "[processor]\nretrys = 1\nmax_redirects = true\n[queues]\n");
  EXPECT_EQ(serve({"--config", config_, "--check-config", "--max-conections=5", "now"},
                  {"PATIENT_HTTP_RETRIES=-1", "REDIS_PROVIDER=redis://u:hunter2@host"}),
            2);
  EXPECT_EQ(output_, "");
  const auto lines = test::lines_of(errors_);
  ASSERT_EQ(lines.size(), 7U) << errors_;
  EXPECT_EQ(lines[0], config_ + ":2: unknown key processor.retrys; did you mean retries?");
  EXPECT_EQ(lines[1], config_ + ":3: processor.max_redirects must be a whole number, 0 or more");
  EXPECT_THAT(lines[2], HasSubstr(config_ + ":4: unknown key queues; known are: "));
  EXPECT_EQ(lines[3], "PATIENT_HTTP_RETRIES must be a whole number, 0 or more");
  EXPECT_EQ(lines[4], "--max-conections: no such option; did you mean --max-connections?");
  EXPECT_EQ(lines[5], "serve takes no arguments but options, and got: now");
  EXPECT_THAT(lines[6], HasSubstr("REDIS_PROVIDER holds the name of the variable"));
  EXPECT_EQ(serve({"--config", config_}), 2) << "without --check-config, too";
}

TEST_F(ServeOptionsTest, PrintsItsConfigurationAndWhereItCameFrom) {
  test::write_file(config_,
                   "[processor]\nproxy_url = \"http://u:hunter2@proxy:3128\"\n[redis]\nurl = "
                   "\"redis://u:hunter2@host:6379/1\"\n[secrets]\na = \"hunter2\"\n");
  EXPECT_EQ(serve({"--config", config_, "--print-config", "--queue", "a,2", "--shared-queue", "b",
                   "--queue", "c"},
                  {"PATIENT_HTTP_MAX_CONNECTIONS=1000", "STATE_DIRECTORY=/var/lib:/other"}),
            0)
      << errors_;
  EXPECT_EQ(output_, R"([processor]
max_connections = 1000  # PATIENT_HTTP_MAX_CONNECTIONS
max_requests_per_origin = 0  # default
max_connections_per_origin = 0  # default
host_limits = []  # default
request_timeout = 60  # default
resolve_timeout = 10  # default
# connection_timeout is not set
# first_byte_timeout is not set
# idle_timeout is not set
min_throughput = 0  # default
min_throughput_time = 30  # default
max_response_size = 1048576  # default
max_header_size = 65536  # default
max_header_count = 256  # default
body_memory = 268435456  # default
# protocol is not set
ping_interval = 30  # default
ping_timeout = 10  # default
max_redirects = 5  # default
retries = 3  # default
retry_on = ["connection"]  # default
retry_delay = 0.5  # default
longest_retry_delay = 30  # default
max_retry_after = 3600  # default
# max_retry_time is not set
idempotency_keys = false  # default
connection_pool_size = 100  # default
max_idle_connections = 0  # default
idle_connection_lifetime = 60  # default
user_agent = "PatientHttp"  # default
raise_error_responses = false  # default
ca_file = ""  # default
tls_min_version = "1.2"  # default
name_servers = ""  # default
proxy_url = "http://***@proxy:3128"  # )" +
                         config_ +
                         R"(:2
no_proxy = ""  # default
proxy_from_environment = false  # default
delivery_threads = 2  # default
preparer_threads = 2  # default

[network_policy]
deny_private_networks = false  # default
allow_networks = []  # default
deny_networks = []  # default
allow_hosts = []  # default
deny_hosts = []  # default
allow_ports = []  # default
deny_ports = []  # default

[untrusted_network_policy]
deny_private_networks = true  # default
allow_networks = []  # default
deny_networks = []  # default
allow_hosts = []  # default
deny_hosts = []  # default
allow_ports = []  # default
deny_ports = []  # default

[redis]
url = "redis://***@host:6379/1"  # )" +
                         config_ +
                         R"(:4
ca_file = ""  # default
command_timeout = 3  # default
queues = ["a,2", "b,shared", "c"]  # --queue
callback_queue = "default"  # default
callback_retry = true  # default
own_callback_queue = "patient_http_callbacks"  # default
heartbeat_interval = 60  # default
orphan_threshold = 300  # default
lease = 12  # default
register_as_sidekiq_process = false  # default

[service]
survives_power_cuts = true  # default
shutdown_timeout = 23  # default
store_patience = 10  # default
state_directory = "/var/lib"  # STATE_DIRECTORY
request_memory = 268435456  # default
poison_rescues = 3  # default

[payload_stores]
threshold = 65536  # default

[encryption]
digest = "sha1"  # default
serializer = "marshal"  # default
keys = []  # default

[log]
level = "info"  # default
format = "text"  # default
file = ""  # default

[secrets]
a = "***"  # )" + config_ +
                         ":6\n");
}

// It used to start all the same, and good requests ended with "socket: Too many open files".
TEST_F(ServeOptionsTest, RefusesMoreConnectionsThanFilesMayBeOpen) {
  const std::string program =
      std::filesystem::read_symlink("/proc/self/exe").replace_filename("patient-http").string();
  const std::string command =
      "ulimit -n 60; exec '" + program + "' serve --database '" + database_ + "' ";
  for (const char* const options : {"", "--check-config"}) {
    Program limited("/bin/sh", {"-c", command + "--max-connections 2000 " + options});
    EXPECT_EQ(limited.wait(), 2) << limited.errors();
    EXPECT_EQ(limited.errors(),
              "--max-connections: max_connections 2000 needs 2100 open files, and the limit is 60: "
              "0 connections fit; raise it (LimitNOFILE= of systemd, ulimit -n) or use a smaller "
              "number\n");
    EXPECT_EQ(limited.output(), "");
  }
}

TEST_F(ServeOptionsTest, SuggestsAFlagOrItsHelp) {
  EXPECT_EQ(serve({"--database", database_, "--lease=5", "--colour-of-the-sky=blue"}), 2);
  EXPECT_EQ(errors_,
            "--lease: no such option; did you mean --redis-lease?\n"
            "--colour-of-the-sky: no such option; see --help\n");
}

TEST_F(ServeOptionsTest, HasAFlagForEachOptionInItsHelp) {
  EXPECT_EQ(serve({"--help"}), 0);
  for (const char* text :
       {"--max-connections N ", "--redis,--redis-url URL", "--shared-queue NAME[,WEIGHT]",
        "--log-file FILE", "--database FILE", "--register-as-sidekiq-process", "Signals:", "TSTP",
        "Exit status:", "REDIS_PROVIDER"})
    EXPECT_THAT(output_, HasSubstr(text));
}

TEST_F(ServeOptionsTest, CannotStartWithoutItsStoreOrItsKey) {
  test::write_file(database_, std::string(10'000, 'x'));
  EXPECT_EQ(serve({"--database", database_}), 3);
  EXPECT_THAT(errors_, HasSubstr(" error cannot start: cannot open the database " + database_));

  const std::string log = folder_.file("log");
  EXPECT_EQ(serve({"--database", database_, "--log-file", log}), 3);
  EXPECT_THAT(test::read_file(log), HasSubstr(" error cannot start: cannot open the database "));
  EXPECT_THAT(errors_, MatchesRegex("patient-http serve: cannot start: cannot open the .*\n"));

  test::write_file(config_, "[encryption]\nkeys = { command = \"exit 7\" }\n");
  EXPECT_EQ(serve({"--database", folder_.file("other.db"), "--config", config_}), 3);
  EXPECT_THAT(errors_, HasSubstr("cannot start: cannot get an encryption key: "));
}

}  // namespace
}  // namespace patient_http
