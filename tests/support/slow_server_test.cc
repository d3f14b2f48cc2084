#include "support/slow_server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include "patient_http/inline_executor.h"
#include "patient_http/processor.h"
#include "support/program.h"
#include "support/recording_task_handler.h"
#include "support/temporary_folder.h"
#include "support/test_certificate.h"

namespace patient_http::test {
namespace {

using std::chrono::steady_clock;

Response fetch(InlineExecutor& client, RequestOptions options) {
  auto response = client.send(Request::create(std::move(options)).value());
  if (!response) throw std::runtime_error(response.error().message());
  return std::move(*response);
}

TEST(SlowServerTest, EchoesWhatCameInOverOneConnection) {
  SlowServer server({});
  InlineExecutor client;
  for (int i = 0; i < 3; ++i) {
    const Response response = fetch(client, {.method = HttpMethod::kPost,
                                             .url = server.url() + "/a?b=\"c\"",
                                             .body = std::string(300'000, 'x')});

    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(response.body(), R"({"method":"POST","path":"/a?b=%22c%22","request_id":")" +
                                   response.request_id() + R"(","body_size":300000})");
  }
}

TEST(SlowServerTest, SpeaksTls) {
  SlowServer server({.tls = true});
  InlineExecutor client(ProcessorOptions{.ca_file = TestCertificate::get().ca_file});

  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(fetch(client, {.url = server.url() + "/?size=200000"}).body()->size(), 200'000U);
  }
}

// By what a client of its own says: ours comes with the engine's tests.
TEST(SlowServerTest, SpeaksHttp2WhereItIsAskedTo) {
  SlowServer plain({.http2 = true});
  SlowServer tls({.tls = true, .http2 = true});
  const auto curl = [](const char* protocol, const std::string& url) {
    Program program("/usr/bin/curl",
                    {"--silent", "--show-error", protocol, "--cacert",
                     TestCertificate::get().ca_file, "--write-out", " %{http_version}", "--header",
                     "x-request-id: r", "--data", "12345", url + "/x?delay=0.01&size=70000"});
    EXPECT_EQ(program.wait(), 0) << program.errors();
    return program.output();
  };

  for (const auto& [protocol, version] :
       {std::pair("--http2", "2"), std::pair("--http1.1", "1.1")}) {
    const std::string output = curl(protocol, tls.url());
    EXPECT_TRUE(output.starts_with(R"({"method":"POST","path":"/x?delay=0.01&size=70000",)"
                                   R"("request_id":"r","body_size":5,"padding":"xxx)"))
        << output.substr(0, 200);
    EXPECT_TRUE(output.ends_with(std::string("} ") + version)) << output.substr(70'000);
  }
  EXPECT_TRUE(curl("--http2-prior-knowledge", plain.url()).ends_with("} 2"));
  EXPECT_TRUE(curl("--http1.1", plain.url()).ends_with("} 1.1"));
}

TEST(SlowServerTest, WaitsAsLongAsItsOptionsOrTheQuerySay) {
  SlowServer slow({.delay = std::chrono::duration<double>(0.1)});
  SlowServer stuck({.delay = std::chrono::hours(1)});
  InlineExecutor client;
  const auto begin = steady_clock::now();

  fetch(client, {.url = slow.url() + "/"});
  fetch(client, {.url = stuck.url() + "/?delay=0"});
  fetch(client, {.url = stuck.url() + "/?delay=0.1&jitter=0.001"});

  EXPECT_GE(steady_clock::now() - begin, std::chrono::milliseconds(200));
}

TEST(SlowServerTest, AnswersWithTheStatusAndSizeOfTheQuery) {
  SlowServer server({});
  InlineExecutor client;

  const Response response =
      fetch(client, {.url = server.url() + "/x?status=503&size=2000&close=1"});

  EXPECT_EQ(response.status(), 503);
  EXPECT_EQ(response.body()->size(), 2000U);
  EXPECT_EQ(response.headers().get("connection"), "close");
  EXPECT_TRUE(response.json().has_value());
  EXPECT_EQ(fetch(client, {.url = server.url() + "/x?status=204"}).body(), std::nullopt);
}

TEST(SlowServerTest, LogsARequestBeforeItAnswers) {
  const TemporaryFolder folder;
  SlowServer server({.log_file = folder.file("log")});
  InlineExecutor client;

  const Response one = fetch(client, {.url = server.url() + "/a"});
  const Response two = fetch(client, {.url = server.url() + "/b?status=500"});

  std::ifstream log(folder.file("log"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(log), {}),
            one.request_id() + " /a\n" + two.request_id() + " /b?status=500\n");
}

TEST(SlowServerTest, HoldsManyRequestsAtOnce) {
  SlowServer server({.delay = std::chrono::duration<double>(0.3)});
  RecordingTaskHandler handler;
  constexpr std::size_t kTasks = 400;
  Processor processor(ProcessorOptions{.max_connections = kTasks});
  processor.start();
  const auto begin = steady_clock::now();

  for (std::size_t i = 0; i < kTasks; ++i) {
    ASSERT_TRUE(processor.enqueue(get(server.url() + "/", handler)).has_value());
  }

  for (const RecordedOutcome& outcome : handler.wait_for(kTasks)) {
    EXPECT_TRUE(outcome.response.has_value());
  }
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(20)) << "one after the other";
}

}  // namespace
}  // namespace patient_http::test
