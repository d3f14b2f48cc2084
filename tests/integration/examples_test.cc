// The programs of examples/, as a user runs them.

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>

#include "drivers/sqlite/database.h"
#include "support/program.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::Program;
using test::ReceivedRequest;
using test::TestHttpServer;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

// Nobody listens there.
constexpr const char* kRefusing = "http://127.0.0.1:1/";

// Set for the programs that are started meanwhile.
class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~EnvironmentVariable() { ::unsetenv(name_); }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

 private:
  const char* name_;
};

class ExamplesTest : public testing::Test {
 protected:
  [[nodiscard]] static std::vector<std::string> read_lines(Program& program, std::size_t count) {
    std::vector<std::string> lines;
    while (lines.size() < count) lines.push_back(program.read_line());
    return lines;
  }
  // The bodies of what came in for a path, in any order.
  [[nodiscard]] std::vector<std::string> bodies(const std::string& target) const {
    std::vector<std::string> found;
    for (const ReceivedRequest& request : server_.requests()) {
      if (request.target == target) found.push_back(request.body);
    }
    return found;
  }

  TestHttpServer server_;
  test::TemporaryFolder folder_;
};

TEST_F(ExamplesTest, FetchUrlsPrintsALinePerUrl) {
  server_.answer("/a", 200, "hello");
  Program program("example_fetch_urls", {server_.url("/a"), "http://127.0.0.1:1/"});
  EXPECT_EQ(program.wait(), 1) << "one of them failed";
  EXPECT_THAT(program.output(), AllOf(HasSubstr(server_.url("/a") + ": 200, 5 bytes in "),
                                      HasSubstr("Connection refused")));
}

// Its database is in the working directory.
TEST_F(ExamplesTest, QuickstartPrintsResultsUntilEnter) {
  std::filesystem::create_directory(folder_.file("work"));
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.file("work"));
  Program program("example_quickstart", {server_.url("/x"), "no url"},
                  {.pipes_input = true, .pipes_output = true});
  EXPECT_EQ(program.read_line(), "200 from " + server_.url("/x"));
  program.write("\n");
  EXPECT_EQ(program.wait(), 0);
  std::filesystem::current_path(before);
  EXPECT_THAT(program.errors(), HasSubstr("url must be"));
  EXPECT_TRUE(std::filesystem::exists(folder_.file("work/jobs.db")));
}

TEST_F(ExamplesTest, CallbacksReportEachResultAndStopAtCtrlC) {
  server_.answer("/a", 404, "not here");
  Program program("example_callbacks",
                  {folder_.file("jobs.db"), server_.url("/reports"), server_.url("/a"), kRefusing},
                  {.pipes_output = true});
  EXPECT_THAT(read_lines(program, 5),
              UnorderedElementsAre("1: " + server_.url("/a") + " has status 404 and 8 bytes",
                                   "hook: connection error",
                                   AllOf(StartsWith("2: GET http://127.0.0.1:1/ failed"),
                                         HasSubstr("Connection refused (after 2 attempts)")),
                                   "reported: 200", "reported: 200"));
  program.signal(SIGINT);
  EXPECT_EQ(program.read_line(), "stopping");
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(bodies("/reports"),
              UnorderedElementsAre(R"({"url":")" + server_.url("/a") + R"(","status":404})",
                                   R"({"url":"http://127.0.0.1:1/","error":"connection"})"));
}

TEST_F(ExamplesTest, CallbacksGoOnAfterAKill) {
  server_.on("/a", [this](const ReceivedRequest&, test::ServerConnection& peer) {
    server_.wait_for_release();
    peer.send(TestHttpServer::response(200, "late"));
  });
  const std::vector<std::string> arguments = {folder_.file("jobs.db"), server_.url("/reports")};
  {
    std::vector<std::string> with_url = arguments;
    with_url.push_back(server_.url("/a"));
    Program killed("example_callbacks", with_url, {.pipes_output = true});
    ASSERT_TRUE(server_.wait_for_requests("/a"));
    killed.signal(SIGKILL);
    killed.wait();
  }
  server_.release();
  Program next("example_callbacks", arguments, {.pipes_output = true});
  EXPECT_EQ(next.read_line(), "1: " + server_.url("/a") + " has status 200 and 4 bytes");
  EXPECT_EQ(next.read_line(), "reported: 200");
  next.signal(SIGTERM);
  EXPECT_EQ(next.wait(), 0);
  EXPECT_THAT(next.errors(), HasSubstr("patient-http: rescued 1 jobs"));
}

TEST_F(ExamplesTest, RequestHelperSendsWhatItsClassAsksFor) {
  server_.answer("/books/1", 200, R"({"title":"Emma"})", "content-type: application/json\r\n");
  server_.answer("/books/1/ratings", 403, "no");
  Program program("example_request_helper", {folder_.file("jobs.db"), server_.url("/books/"), "1"},
                  {.pipes_input = true, .pipes_output = true});
  EXPECT_THAT(program.read_line(), StartsWith("too early: no request handler is registered"));
  EXPECT_THAT(read_lines(program, 2),
              UnorderedElementsAre(R"("1" is "Emma")", "not rated: HTTP 403 response from POST " +
                                                           server_.url("/books/1/ratings")));
  program.close_input();
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(bodies("/books/1/ratings?lang=en"), ElementsAre(R"({"stars":5})"));
}

TEST_F(ExamplesTest, InlineModeAnswersBeforeTheNextLine) {
  server_.answer("/books/1", 200, R"({"title":"Emma"})", "content-type: application/json\r\n");
  Program program("example_inline_mode", {server_.url("/books/")},
                  {.pipes_input = true, .pipes_output = true});
  program.write("1\n");
  EXPECT_EQ(program.read_line(), R"("1" is "Emma")");
  program.write("2\n");
  EXPECT_EQ(program.read_line(), R"("2" is unknown)");
  program.close_input();
  EXPECT_EQ(program.wait(), 0);
  ASSERT_EQ(server_.requests().size(), 2U);
  EXPECT_EQ(server_.requests()[0].target, "/books/1?lang=en");
  EXPECT_THAT(server_.requests()[0].header("accept"), ElementsAre("application/json"));
}

// The three steps of a rotation as docs/payloads-and-secrets.md has them, with a wrong one before.
TEST_F(ExamplesTest, PayloadStoresKeepLargeJobsEncryptedAndSurviveAChangeOfKeys) {
  const std::string data = folder_.file("data");
  const auto files = [&](const std::string& name) {
    const std::filesystem::directory_iterator all(data + "/" + name);
    return std::distance(begin(all), end(all));
  };
  {
    const EnvironmentVariable keys("PATIENT_HTTP_KEYS", "old");
    Program submits("example_payload_stores", {data, "submit", server_.url("/documents")});
    ASSERT_EQ(submits.wait(), 0) << submits.errors();
  }
  EXPECT_EQ(files("left"), 1);
  EXPECT_EQ(files("right"), 1);
  EXPECT_EQ(files("payloads"), 0);
  {
    const EnvironmentVariable keys("PATIENT_HTTP_KEYS", "new");
    Program lacks_the_key("example_payload_stores", {data, "work"});
    EXPECT_TRUE(test::wait_until([&] {
      return lacks_the_key.errors().find("no encryption key that is set up here fits") !=
             std::string::npos;
    }));
    lacks_the_key.signal(SIGINT);
    EXPECT_EQ(lacks_the_key.wait(), 0);
  }
  EXPECT_THAT(server_.requests(), IsEmpty());
  // It is tried again 15 seconds and more later.
  ASSERT_TRUE(sqlite::Database::open({.path = data + "/jobs.db"})
                  ->execute("UPDATE schedule SET due = job")
                  .has_value());
  {
    const EnvironmentVariable keys("PATIENT_HTTP_KEYS", "new,old");
    Program works("example_payload_stores", {data, "work"}, {.pipes_output = true});
    EXPECT_EQ(works.read_line(), "200, 2 bytes");
    works.signal(SIGINT);
    EXPECT_EQ(works.wait(), 0);
  }
  EXPECT_THAT(bodies("/documents"), ElementsAre(std::string(200'000, 'x')));
  EXPECT_EQ(files("left"), 0);
  EXPECT_EQ(files("right"), 0);
}

TEST_F(ExamplesTest, SecretsAreSentAndNeverShownAndPreprocessorsSign) {
  const EnvironmentVariable token("API_TOKEN", "Bearer s3cret");
  Program program("example_secrets_and_preprocessors", {server_.url("/orders")});
  EXPECT_EQ(program.wait(), 0) << program.errors();
  EXPECT_THAT(program.output(), AllOf(HasSubstr(R"("authorization":{"$secret":"api_token"})"),
                                      HasSubstr("200 from " + server_.url("/orders")),
                                      Not(HasSubstr("s3cret")), Not(HasSubstr("tenant-7"))));
  ASSERT_EQ(server_.requests().size(), 1U);
  const ReceivedRequest sent = server_.requests()[0];
  EXPECT_EQ(sent.target, "/orders?tenant=tenant-7");
  EXPECT_THAT(sent.header("authorization"), ElementsAre("Bearer s3cret"));
  EXPECT_THAT(sent.header("x-account"), ElementsAre("account-42"));
  // HMAC-SHA256 of "post\n2025-01-01\n{"order":1}", as the openssl command gives it.
  EXPECT_THAT(sent.header("x-signature"),
              ElementsAre("53cdd434a034de5ef0ff6c8bd84e63e097dbf472fed0832202cb5eb56c012707"));
}

TEST_F(ExamplesTest, ASecretThatCannotBeHadFailsTheRequest) {
  Program program("example_secrets_and_preprocessors", {server_.url("/orders")});
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(program.output(),
              AllOf(HasSubstr("\nsecret_not_found: "), HasSubstr("API_TOKEN is not set")));
  EXPECT_THAT(server_.requests(), IsEmpty());
}

}  // namespace
}  // namespace patient_http
