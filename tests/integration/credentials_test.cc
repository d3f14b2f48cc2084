// Urls hold credentials, before their '@' and in their query: nothing that is written shows them,
// but for results, whose urls are those of the requests.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "patient_http/json.h"
#include "patient_http/service.h"
#include "support/program.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::Program;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;
using test::wait_until;
using testing::HasSubstr;
using testing::Not;

class CredentialsTest : public testing::Test {
 protected:
  // Neither "al1ce" nor "s3cret" is in any text of the program.
  static constexpr const char* kPaths[] = {"/ok",  "/redirect", "/loop", "/bad-location", "/status",
                                           "/cut", "/garbage",  "/slow", "/hang"};

  void SetUp() override {
    const auto redirect = [this](const std::string& path, const std::string& location) {
      server_.answer(path, 302, "", "location: " + location + "\r\n");
    };
    redirect("/redirect", url("/ok"));
    redirect("/loop", url("/loop"));
    redirect("/bad-location", "http://al1ce:s3?cret@s3cret@/x?token=s3cret");
    server_.answer("/status", 500, "no");
    server_.answer_raw("/cut", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n123");
    server_.answer_raw("/garbage", "garbage\r\n\r\n");
    server_.hang("/slow");
    server_.hang("/hang");
  }
  [[nodiscard]] std::string url(const std::string& path) const {
    return "http://al1ce:s3cret@127.0.0.1:" + std::to_string(server_.port()) + path +
           "?token=s3cret#s3cret";
  }
  static void expect_no_secret(const std::string& text) {
    EXPECT_THAT(text, Not(HasSubstr("s3cret")));
    EXPECT_THAT(text, Not(HasSubstr("s3?cret")));
    EXPECT_THAT(text, Not(HasSubstr("al1ce")));
  }

  test::TemporaryFolder folder_;
  TestHttpServer server_;
};

TEST_F(CredentialsTest, AreInNoMessageOfRun) {
  std::string input;
  for (const char* path : kPaths) {
    if (std::string(path) == "/hang") continue;
    input += Json(Json::Object{{"url", Json(url(path))}, {"timeout", Json(2)}}).dump() + "\n";
  }
  input += "{\"url\":\"http://al1ce:s3?cret@127.0.0.1:1/x?token=s3cret\"}\n";
  input += "{\"url\":\"http://al1ce:s3cret@127.0.0.1:1/x?token=s3cret\"}\n";
  input += "{\"url\":\"ftp://al1ce:s3cret@127.0.0.1/x?token=s3cret\"}\n";
  test::write_file(folder_.file("in.jsonl"), input);
  Program run("patient-http", {"run", folder_.file("in.jsonl"), "--output",
                               folder_.file("out.jsonl"), "--lenient", "--retries", "0"});
  EXPECT_NE(run.wait(), 1000 + SIGKILL);
  expect_no_secret(run.errors());
  expect_no_secret(run.output());
  std::size_t errors = 0;
  for (const std::string& line : test::lines_of(test::read_file(folder_.file("out.jsonl")))) {
    const auto result = Json::parse(line);
    ASSERT_TRUE(result.has_value()) << line;
    const Json* error = result->find("error");
    if (error == nullptr) continue;
    ++errors;
    ASSERT_NE(error->find("message"), nullptr) << line;
    expect_no_secret(error->find("message")->dump());
  }
  EXPECT_GE(errors, 6U) << run.errors();
}

TEST_F(CredentialsTest, AreInNoMessageOfOneRequest) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"get", url("/garbage"), "--retries", "0"},
        {"get", url("/ok"), url("/another")},
        {"get", "http://al1ce:s3?cret@127.0.0.1/"},
        {"get", url("/ok"), "--proxy-url", "http://al1ce:s3?cret@127.0.0.1:1"},
        {"get", url("/ok"), "--retries", "0", "--proxy-url", "http://al1ce:s3cret@127.0.0.1:1"},
        {"serve", url("/ok")},
        {"serve", "--redis", "redis://al1ce:s3?cret@127.0.0.1:1/0"},
        {"serve", "--redis", "redis://al1ce:s3cret@127.0.0.1:1/0", "--check-config", "--retries",
         "x"},
        {"serve", "--redis", "redis://al1ce:s3cret@127.0.0.1:1/0?token=s3cret", "--print-config",
         "--proxy-url", "http://al1ce:s3cret@127.0.0.1:1"}}) {
    Program program("patient-http", arguments);
    program.wait();
    const std::string written = program.output() + program.errors();
    EXPECT_NE(written, "");
    expect_no_secret(written);
  }
}

TEST_F(CredentialsTest, AreInNoLogOfServe) {
  Configuration configuration;
  configuration.database = folder_.file("jobs.db");
  configuration.callbacks.threads = 0;
  configuration.log = Log();
  const auto client = Service::open(configuration).value();
  const std::string config = folder_.file("config.toml");
  const std::string file = "[service]\ndatabase = \"" + configuration.database +
                           "\"\n[log]\nlevel = \"debug\"\n[processor]\nretries = 1\n"
                           "retry_delay = 0.01\nno_proxy = \"*\"\nrequest_timeout = 2\n";
  test::write_file(config, file);
  Program serve("patient-http", {"serve", "--config", config});
  for (const char* path : kPaths) {
    RequestOptions request{.url = url(path)};
    if (std::string(path) == "/hang") request.timeout = Seconds{600};
    ASSERT_TRUE(client->client().request(std::move(request), {.callback = "Printer"}).has_value());
  }
  const int finished = static_cast<int>(std::size(kPaths)) - 1;
  ASSERT_TRUE(wait_until([&] {
    return client->status().value().jobs.callbacks_waiting == finished;
  })) << serve.errors();
  const auto logged = [&](const std::string& text) {
    return wait_until([&] { return serve.errors().find(text) != std::string::npos; });
  };
  ASSERT_TRUE(server_.wait_for_requests("/hang"));
  serve.signal(SIGTTIN);
  EXPECT_TRUE(logged("in flight: 1 of "));
  test::write_file(config, file + "proxy_url = \"http://al1ce:s3cret@127.0.0.1:1\"\n");
  serve.signal(SIGHUP);
  EXPECT_TRUE(logged("processor.proxy_url has changed"));
  test::write_file(config, file + "proxy_url = \"http://al1ce:s3?cret@127.0.0.1:1\"\n");
  serve.signal(SIGHUP);
  EXPECT_TRUE(logged("the configuration was not reloaded"));
  serve.signal(SIGTERM);
  serve.signal(SIGTERM);
  serve.wait();
  expect_no_secret(serve.errors() + serve.output());
}

}  // namespace
}  // namespace patient_http
