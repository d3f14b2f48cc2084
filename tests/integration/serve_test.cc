// `patient-http serve` on the embedded store, with requests that another program puts there.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "drivers/sqlite/database.h"
#include "patient_http/json.h"
#include "patient_http/service.h"
#include "support/notify_socket.h"
#include "support/program.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::Program;
using test::wait_until;
using testing::HasSubstr;
using testing::Not;

class ServeTest : public testing::Test {
 protected:
  ServeTest() {
    Configuration configuration;
    configuration.database = database_;
    configuration.callbacks.threads = 0;
    configuration.log = Log();
    client_ = Service::open(std::move(configuration)).value();
  }

  std::unique_ptr<Program> serve(const std::vector<std::string>& more = {},
                                 const std::vector<std::string>& environment = {}) {
    std::vector<std::string> arguments = {"serve", "--database", database_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<Program>("patient-http", arguments,
                                     Program::Options{.environment = environment});
  }
  void submit(const std::string& path, const std::string& id) {
    const auto submitted =
        client_->client().get(server_.url(path), {.callback = "Printer", .request_id = id});
    ASSERT_TRUE(submitted.has_value()) << submitted.error().message;
  }
  [[nodiscard]] JobCounts jobs() { return client_->status().value().jobs; }
  static bool wait_for_log(const Program& program, const std::string& text) {
    return wait_until([&] { return program.errors().find(text) != std::string::npos; });
  }

  test::TemporaryFolder folder_;
  const std::string database_ = folder_.file("jobs.db");
  test::TestHttpServer server_;
  std::unique_ptr<Service> client_;  // submits only
};

TEST_F(ServeTest, CarriesOutRequestsAndLeavesTheirCallbacks) {
  server_.answer("/broken", 500, "no");
  submit("/", "a");
  submit("/broken", "b");
  auto program = serve({"--max-connections", "7", "--raise-error-responses"});
  ASSERT_TRUE(wait_for_log(*program, "info ready\n"));
  submit("/", "c");
  ASSERT_TRUE(wait_until([&] { return jobs().callbacks_waiting == 3; }));
  program->signal(SIGTERM);
  EXPECT_EQ(program->wait(), 0);
  const std::string log = program->errors();
  EXPECT_THAT(log, HasSubstr(" starts: store the database " + database_ + ", max_connections 7, "));
  EXPECT_THAT(log, HasSubstr("info stopping: 0 in flight have 23 s\n"));
  EXPECT_THAT(log, HasSubstr("info stopped: since the start 2 responses, 1 errors; 0 were put "
                             "back\n"));
  EXPECT_EQ(test::lines_of(log).size(), 4U) << log;
}

TEST_F(ServeTest, PutsBackWhatIsInFlightAtTheEndOfItsTime) {
  server_.hang("/hang");
  submit("/hang", "a");
  auto program = serve({"--shutdown-timeout", "0.05"});
  ASSERT_TRUE(server_.wait_for_requests("/hang"));
  program->signal(SIGINT);
  EXPECT_EQ(program->wait(), 0);
  EXPECT_THAT(program->errors(), HasSubstr("0 responses, 0 errors; 1 were put back"));
  EXPECT_EQ(jobs().ready, 1);
  EXPECT_EQ(jobs().in_flight, 0);
}

TEST_F(ServeTest, WaitsForWhatIsInFlight) {
  server_.on("/slow", [this](const auto&, test::ServerConnection& peer) {
    server_.wait_for_release();
    peer.send(test::TestHttpServer::response(200, "late"));
  });
  submit("/slow", "a");
  auto program = serve({"--shutdown-timeout", "3600"});
  ASSERT_TRUE(server_.wait_for_requests("/slow"));
  program->signal(SIGTERM);
  ASSERT_TRUE(wait_for_log(*program, "stopping: 1 in flight have 3600 s"));
  server_.release();
  EXPECT_EQ(program->wait(), 0);
  EXPECT_EQ(jobs().callbacks_waiting, 1);
}

TEST_F(ServeTest, StopsAtOnceAfterASecondSignal) {
  server_.hang("/hang");
  submit("/hang", "a");
  auto program = serve({"--shutdown-timeout", "3600"});
  ASSERT_TRUE(server_.wait_for_requests("/hang"));
  program->signal(SIGTERM);
  ASSERT_TRUE(wait_for_log(*program, "stopping: 1 in flight"));
  program->signal(SIGTERM);
  EXPECT_EQ(program->wait(), 0);
  EXPECT_THAT(program->errors(),
              HasSubstr("warning stopping at once: what is in flight is put back"));
  EXPECT_EQ(jobs().ready, 1);
}

TEST_F(ServeTest, TakesNothingMoreWhenQuiet) {
  server_.on("/slow", [this](const auto&, test::ServerConnection& peer) {
    server_.wait_for_release();
    peer.send(test::TestHttpServer::response(200, "late"));
  });
  submit("/slow", "a");
  auto program = serve();
  ASSERT_TRUE(server_.wait_for_requests("/slow"));
  program->signal(SIGTSTP);
  ASSERT_TRUE(wait_for_log(*program, "quiet: no further requests are taken, 1 in flight go on"));
  submit("/", "b");
  server_.release();
  ASSERT_TRUE(wait_until([&] { return jobs().callbacks_waiting == 1; }));
  program->signal(SIGTERM);
  EXPECT_EQ(program->wait(), 0);
  EXPECT_EQ(jobs().ready, 1) << "the second request was taken";
}

TEST_F(ServeTest, ShowsWhatIsInFlightWithoutPathsAndQueries) {
  server_.hang("/hang");
  submit("/hang?token=hunter2", "request-1");
  auto program = serve();
  ASSERT_TRUE(server_.wait_for_requests("/hang"));
  program->signal(SIGTTIN);
  ASSERT_TRUE(wait_for_log(*program, "request-1 "));
  const std::string log = program->errors();
  EXPECT_THAT(log, HasSubstr("info in flight: 1 of 256, of them 0 wait for their next attempt"));
  EXPECT_THAT(log, HasSubstr("info in flight: request-1 GET 127.0.0.1:" +
                             std::to_string(server_.port()) + " wait, "));
  EXPECT_THAT(log, Not(HasSubstr("hunter2")));
  EXPECT_THAT(log, Not(HasSubstr("hang")));
}

TEST_F(ServeTest, OpensItsLogAnewAndReadsItsFileAgain) {
  const std::string log = folder_.file("serve.log");
  const std::string config = folder_.file("config.toml");
  const std::string file = "[log]\nfile = \"" + log + "\"\nformat = \"json\"\n";
  const auto logged = [&](const std::string& text) {
    return wait_until([&] { return test::read_file(log).find(text) != std::string::npos; });
  };
  test::write_file(config, file + "[secrets]\na = \"1\"\n");
  auto program = serve({"--config", config});
  ASSERT_TRUE(logged("\"ready\""));
  std::filesystem::rename(log, log + ".1");
  test::write_file(config, file + "[secrets]\nb = \"2\"\n[processor]\nretries = 9\n");
  program->signal(SIGHUP);
  ASSERT_TRUE(logged("the removal of secrets.a has changed"));
  for (const std::string& line : test::lines_of(test::read_file(log)))
    EXPECT_TRUE(Json::parse(line).has_value()) << line;
  EXPECT_THAT(test::read_file(log), HasSubstr("reloaded: the log and 1 secrets"));
  EXPECT_THAT(test::read_file(log), HasSubstr("reload: processor.retries has changed, and takes "
                                              "effect after a restart"));

  test::write_file(config, "[processor]\nretries = \"many\"\n");
  program->signal(SIGHUP);
  ASSERT_TRUE(logged("the configuration was not reloaded"));
  EXPECT_THAT(test::read_file(log), HasSubstr(":2: processor.retries must be a whole number"));
  program->signal(SIGTERM);
  EXPECT_EQ(program->wait(), 0);
  EXPECT_THAT(test::read_file(log), HasSubstr("stopped: "));
}

TEST_F(ServeTest, UsesTheSecretsThatItReadAgain) {
  const std::string config = folder_.file("config.toml");
  const auto file = [](const std::string& secret, const std::string& token) {
    return "[secrets]\ntoken = \"" + secret +
           "\"\n[preprocessors.login]\ntype = \"bearer\"\ntoken = " + token + "\n";
  };
  test::write_file(config, file("first", "\"another\""));
  auto program = serve({"--config", config});
  ASSERT_TRUE(wait_for_log(*program, "info ready\n"));
  test::write_file(config, file("second", "{ secret = \"token\" }"));
  program->signal(SIGHUP);
  ASSERT_TRUE(wait_for_log(*program, "reloaded: the log and 1 secrets, 1 preprocessors"));
  const auto submitted =
      client_->client().get(server_.url("/"),
                            {.headers = {{"x-token", SecretReference::create("token").value()}},
                             .preprocessors = {"login"}},
                            {.callback = "Printer"});
  ASSERT_TRUE(submitted.has_value());
  ASSERT_TRUE(server_.wait_for_requests("/"));
  EXPECT_EQ(server_.requests().at(0).header("x-token").at(0), "second");
  EXPECT_EQ(server_.requests().at(0).header("authorization").at(0), "Bearer second");
}

TEST_F(ServeTest, TellsSystemdHowItIs) {
  const std::string name = folder_.file("notify");
  const test::NotifySocket systemd(name);
  auto program = serve({}, {"NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=200000"});
  EXPECT_EQ(systemd.receive(), "READY=1\nSTATUS=running, 0 of 256 requests in flight");
  for (int i = 0; i < 3; ++i) EXPECT_NE(systemd.receive_with("WATCHDOG=1"), "");
  program->signal(SIGHUP);
  EXPECT_THAT(systemd.receive_with("RELOADING=1"), HasSubstr("\nMONOTONIC_USEC="));
  EXPECT_EQ(systemd.receive_with("READY=1"), "READY=1");
  program->signal(SIGTSTP);
  EXPECT_NE(systemd.receive_with("STATUS=quiet, 0 of 256"), "");
  program->signal(SIGTERM);
  EXPECT_THAT(systemd.receive_with("STOPPING=1"), HasSubstr("\nSTATUS=stopping, "));
  EXPECT_EQ(program->wait(), 0);
}

// Another process that keeps the embedded store to itself is the store that is down.
TEST_F(ServeTest, KeepsAResultThroughAnOutageAndSaysLittleOfIt) {
  server_.on("/slow", [this](const auto&, test::ServerConnection& peer) {
    server_.wait_for_release();
    peer.send(test::TestHttpServer::response(200, "late"));
  });
  submit("/slow", "a");
  const std::string name = folder_.file("notify");
  const test::NotifySocket systemd(name);
  auto program = serve({}, {"NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=200000"});
  ASSERT_TRUE(server_.wait_for_requests("/slow"));
  {
    auto database = sqlite::Database::open({.path = database_});
    ASSERT_TRUE(database.has_value());
    ASSERT_TRUE(database->execute("BEGIN IMMEDIATE").has_value());
    server_.release();
    EXPECT_NE(systemd.receive_with("1 of 256 requests in flight, the store is down\nWATCHDOG=1"),
              "");
    EXPECT_THAT(program->errors(), HasSubstr(": the store is down, trying again: "));
  }
  ASSERT_TRUE(wait_for_log(*program, ": the store is back"));
  ASSERT_TRUE(wait_until([&] { return jobs().callbacks_waiting == 1; }));
  program->signal(SIGTERM);
  EXPECT_EQ(program->wait(), 0);
  EXPECT_EQ(test::lines_of(program->errors()).size(), 6U) << program->errors();
}

TEST_F(ServeTest, SaysWhenResultsWereLeftBehind) {
  auto database = sqlite::Database::open({.path = database_});
  ASSERT_TRUE(database.has_value());
  submit("/", "lost");
  for (const std::string event : {"INSERT", "UPDATE"}) {
    ASSERT_TRUE(database
                    ->execute("CREATE TRIGGER refuse_" + event + " BEFORE " + event +
                              " ON payloads BEGIN SELECT RAISE(ABORT, 'refused'); END")
                    .has_value());
  }
  auto program = serve();
  ASSERT_TRUE(wait_for_log(*program, "could not be stored"));
  program->signal(SIGTERM);
  EXPECT_EQ(program->wait(), 1);
  EXPECT_THAT(program->errors(),
              HasSubstr("error 1 results could not be stored; their requests are "
                        "sent again by the next start"));
}

}  // namespace
}  // namespace patient_http
