// examples/test_app, used by hand.

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include "drivers/sqlite/database.h"
#include "support/program.h"
#include "support/temporary_folder.h"

namespace patient_http {
namespace {

using test::Program;
using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Somebody who types commands and reads what is printed.
class Session {
 public:
  explicit Session(const std::string& database)
      : program_("example_test_app", {database}, {.pipes_input = true, .pipes_output = true}) {
    EXPECT_EQ(program_.read_line(), "started; help lists the commands");
  }

  void type(const std::string& command) { program_.write(command + "\n"); }
  // The next line that comes, whatever it is.
  std::string line() { return program_.read_line(); }
  // The next line with that text; what comes before it is kept in seen().
  std::string line_with(const std::string& text) {
    for (;;) {
      seen_.push_back(program_.read_line());
      if (seen_.back().find(text) != std::string::npos) return seen_.back();
      if (seen_.back().empty()) return "";  // the program has ended
    }
  }
  // Types a command, and gives the first line that it prints.
  std::string ask(const std::string& command) {
    type(command);
    return line();
  }
  [[nodiscard]] const std::vector<std::string>& seen() const { return seen_; }
  [[nodiscard]] std::string errors() const { return program_.errors(); }

  int quit() {
    type("quit");
    return program_.wait();
  }
  void kill() {
    program_.signal(SIGKILL);
    program_.wait();
  }

 private:
  Program program_;
  std::vector<std::string> seen_;
};

class TestAppTest : public testing::Test {
 protected:
  // What waits for its time need not wait any longer.
  void let_time_pass() const {
    auto database = sqlite::Database::open({.path = database_});
    ASSERT_TRUE(database.has_value());
    for (const char* table : {"schedule", "callbacks_schedule"}) {
      const auto done = database->execute("UPDATE " + std::string(table) + " SET due = job");
      ASSERT_TRUE(done.has_value()) << done.error().message;
    }
  }

  test::TemporaryFolder folder_;
  const std::string database_ = folder_.file("jobs.db");
};

TEST_F(TestAppTest, PrintsWhatBecameOfEachKindOfRequest) {
  Session session(database_);
  session.type("get /hello");
  session.line_with("GET /hello HTTP/1.1");
  session.type("post /there some body");
  session.line_with("| some body");
  session.type("slow 0.1");
  session.line_with("slept well");
  session.type("fail");
  EXPECT_THAT(session.line_with("error: "), HasSubstr("http_status (HTTP 500 response from GET"));
  session.type("big 300");
  EXPECT_THAT(session.line_with("complete: "), EndsWith("] complete: 200, 307200 bytes, args {}"));
  session.type("redirect");
  session.line_with("by way of http://");
  session.line_with("GET /landed HTTP/1.1");
  session.type("secret");
  session.line_with("x-token: test-app-secret-value");
  session.type("sign");
  session.line_with("x-signed: 0 bytes");
  session.type("get http://127.0.0.1:1/");
  EXPECT_THAT(session.line_with("error: "), HasSubstr("Connection refused"));
  session.type("statistics");
  EXPECT_THAT(session.line_with("requests "), StartsWith("requests 9, errors 2, on average "));
  EXPECT_EQ(session.line(), "  error connection: 1");
  EXPECT_EQ(session.line(), "  error http_error: 1");
  EXPECT_EQ(session.line(), "  status 200: 7");
  EXPECT_EQ(session.line(), "  status 500: 1");
  EXPECT_EQ(session.quit(), 0);
}

TEST_F(TestAppTest, SaysWhatItDoesNotUnderstand) {
  Session session(database_);
  EXPECT_EQ(session.ask("nonsense"), "no such command: nonsense (try help)");
  EXPECT_EQ(session.ask("many x"), "not a number: x");
  EXPECT_EQ(session.ask("get ftp://x/").substr(0, 9), "refused: ");
  EXPECT_THAT(session.ask("help"), StartsWith("get URL"));
  session.line_with("help | quit");
  EXPECT_EQ(session.quit(), 0);
}

TEST_F(TestAppTest, RunsCallbacksThatThrowUntilTheyAreDeadAndBringsThemBack) {
  Session session(database_);
  session.type("throw 4");
  session.line_with("complete: 200");
  for (int retry = 1; retry <= 3; ++retry) {
    const std::string left = "told to throw, " + std::to_string(4 - retry) + " left";
    ASSERT_TRUE(test::wait_until([&] { return session.errors().find(left) != std::string::npos; }));
    // The log comes before the store knows of it.
    do {
      session.type("status");
      session.line_with("requests: ");
    } while (session.line().find("running 0, scheduled 1;") == std::string::npos);
    let_time_pass();
    session.line_with("complete: 200");
  }
  ASSERT_TRUE(test::wait_until(
      [&] { return session.errors().find("goes to the dead set") != std::string::npos; }));
  std::string dead = "none are dead";
  while (dead == "none are dead") {
    session.type("dead");
    dead = session.line_with("dead");
  }
  EXPECT_THAT(dead, EndsWith(": dead callback, std::runtime_error: told to throw, 0 left"));
  session.type("delete 1:1");
  EXPECT_EQ(session.line_with("deleted: "), "deleted: 0") << "there is none of that id";
  session.type("retry " + dead.substr(0, dead.find(": ")));
  session.line_with("complete: 200");
  EXPECT_THAT(session.seen(), Contains("retried: 1"));
  session.type("dead");
  session.line_with("none are dead");
  EXPECT_EQ(session.quit(), 0);
}

TEST_F(TestAppTest, SchedulesStopsAndStartsAgain) {
  Session session(database_);
  EXPECT_EQ(session.ask("quiet"), "quiet: nothing new is sent");
  EXPECT_THAT(session.ask("schedule 3600 /later"), EndsWith("] accepted"));
  EXPECT_EQ(session.ask("many 3"), "3 accepted");
  EXPECT_EQ(session.ask("status"), "requests: ready 3, in flight 0, scheduled 1");
  EXPECT_EQ(session.line(), "callbacks: waiting 0, running 0, scheduled 0; dead 0");
  EXPECT_EQ(session.ask("stop"), "stopped");
  let_time_pass();
  EXPECT_EQ(session.ask("start"), "started");
  session.line_with("GET /later HTTP/1.1");
  EXPECT_EQ(session.quit(), 0);
}

TEST_F(TestAppTest, GoesOnAfterAKillWithItsKey) {
  ::setenv("TEST_APP_KEY", "key", 1);
  {
    Session killed(database_);
    EXPECT_EQ(killed.ask("quiet"), "quiet: nothing new is sent");
    EXPECT_THAT(killed.ask("post http://127.0.0.1:1/ " + std::string(3000, 'x')),
                EndsWith("] accepted"));
    killed.kill();
  }
  EXPECT_THAT(test::read_file(database_ + "-wal"), Not(HasSubstr("xxx")));
  Session next(database_);
  EXPECT_THAT(next.line_with("error: "), HasSubstr("POST http://127.0.0.1:1/ failed"));
  EXPECT_EQ(next.quit(), 0);
  ::unsetenv("TEST_APP_KEY");
}

}  // namespace
}  // namespace patient_http
