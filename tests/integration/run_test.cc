// `patient-http run`, as a user runs it.

#include <signal.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "integration/run_fixture.h"

namespace patient_http {
namespace {

using test::Program;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestCertificate;
using test::TestHttpServer;
using testing::HasSubstr;

std::string dump(const Json* json) {
  return json != nullptr ? json->dump() : "(missing)";
}

class RunTest : public RunServerFixture {};

TEST_F(RunTest, SendsSecretsAndKeepsThemOutOfItsFiles) {
  const std::string config = folder_.file("c.toml");
  test::write_file(config, "[secrets]\ntoken = { file = \"token\" }\n");
  test::write_file(folder_.file("token"), "Bearer s3cr3t-value\n");
  write_input({line("/x", R"("headers":{"authorization":{"$secret":"token"}},)"
                          R"("params":{"key":{"$secret":"token"}})")});
  EXPECT_EQ(run({"--config", config, "--state", state_}), 0) << errors_;
  ASSERT_EQ(server_.requests().size(), 1U);
  EXPECT_EQ(server_.requests()[0].header("authorization"),
            std::vector<std::string>{"Bearer s3cr3t-value"});
  EXPECT_EQ(server_.requests()[0].target, "/x?key=Bearer+s3cr3t-value");
  EXPECT_THAT(test::read_file(output_) + test::read_file(state_) + errors_,
              testing::Not(HasSubstr("s3cr3t")));
}

TEST_F(RunTest, WritesALinePerRequestWithItsIdAndArguments) {
  server_.answer("/json", 201, R"({"a":"é"})", "content-type: application/json\r\n");
  server_.answer("/bytes", 200, "\xff\xfe");
  write_input(
      {line(
           "/json",
           R"("id":"first","method":"post","json":{"x":[]},"callback_args":{"n":1180591620717411303424,"f":30.50})"),
       "", line("/bytes", R"("id":7)"), line("/empty-line-counts")});
  server_.answer("/empty-line-counts", 200, "");

  EXPECT_EQ(run(), 0) << errors_;

  const auto results = this->results();
  ASSERT_EQ(results.size(), 3U);
  const Json& first = results.at("first");
  EXPECT_EQ(first.find("response")->find("status")->to_int64(), 201);
  EXPECT_EQ(dump(first.find("response")->find("body")), R"("{\"a\":\"é\"}")");
  EXPECT_EQ(dump(first.find("response")->find("headers")),
            R"({"content-type":"application/json"})");
  EXPECT_EQ(dump(first.find("response")->find("redirects")), "[]");
  EXPECT_EQ(dump(first.find("response")->find("url")), "\"" + server_.url("/json") + "\"");
  EXPECT_GT(first.find("response")->find("duration")->to_double(), 0.0);
  EXPECT_EQ(dump(first.find("callback_args")), R"({"n":1180591620717411303424,"f":30.50})");
  EXPECT_EQ(dump(results.at("7").find("id")), "7");
  EXPECT_EQ(dump(results.at("7").find("response")->find("body_base64")), "\"//4=\"");
  EXPECT_EQ(results.at("7").find("response")->find("body"), nullptr);
  EXPECT_EQ(dump(results.at("4").find("response")->find("body")), "null");

  std::map<std::string, ReceivedRequest> received;
  for (const ReceivedRequest& request : server_.requests()) received[request.target] = request;
  EXPECT_EQ(received["/json"].method, "POST");
  EXPECT_EQ(received["/json"].body, R"({"x":[]})");
  EXPECT_EQ("\"" + received["/json"].header("x-request-id").at(0) + "\"",
            dump(first.find("request_id")));
}

TEST_F(RunTest, SendsAgainWhatItIsToldTo) {
  std::atomic<int> asked = 0;
  server_.on("/busy", [&](const ReceivedRequest& request, ServerConnection& connection) {
    if (asked++ == 0) {
      connection.send(TestHttpServer::response(429, "later", "retry-after: 0\r\n"));
    } else {
      connection.send(TestHttpServer::response(200, request.header("idempotency-key").at(0)));
    }
  });
  write_input({line("/busy", R"("method":"post","body":"b")")});
  EXPECT_EQ(run({"--retry-on", "connection,429", "--idempotency-keys", "--max-retry-after", "5"}),
            0)
      << errors_;
  const auto results = this->results();
  const Json& result = results.at("1");
  EXPECT_EQ(result.find("response")->find("status")->to_int64(), 200);
  EXPECT_EQ(dump(result.find("response")->find("body")), dump(result.find("request_id")));
  EXPECT_EQ(server_.requests().size(), 2U);

  EXPECT_EQ(run({"--retry-on", "sometimes"}), 2);
  EXPECT_THAT(errors_, HasSubstr("--retry-on: must be connection, timeout or statuses"));
}

TEST_F(RunTest, WritesErrorsWithTheirKindAndExitsWith1) {
  server_.answer("/404", 404, "gone");
  server_.hang("/hang");
  write_input({line("/404", R"("raise_error_responses":true)"), line("/404"),
               line("/hang", R"("timeout":0.2,"callback_args":{"k":1})"),
               R"({"url":"http://127.0.0.1:1/?token=s3cret"})"});

  EXPECT_EQ(run({"--retries", "0"}), 1);

  const auto results = this->results();
  ASSERT_EQ(results.size(), 4U);
  const Json& http = *results.at("1").find("error");
  EXPECT_EQ(dump(http.find("type")), "\"http_error\"");
  EXPECT_EQ(dump(http.find("kind")), "\"http_status\"");
  EXPECT_EQ(dump(http.find("class")), "\"PatientHttp::ClientError\"");
  EXPECT_EQ(dump(http.find("response")->find("body")), "\"gone\"");
  EXPECT_EQ(results.at("2").find("response")->find("status")->to_int64(), 404);
  const Json& timeout = *results.at("3").find("error");
  EXPECT_EQ(dump(timeout.find("type")), "\"timeout\"");
  EXPECT_EQ(dump(timeout.find("kind")), "\"total_timeout\"");
  EXPECT_EQ(dump(results.at("3").find("callback_args")), R"({"k":1})");
  const Json& refused = *results.at("4").find("error");
  EXPECT_EQ(dump(refused.find("class")), "\"Errno::ECONNREFUSED\"");
  EXPECT_THAT(dump(refused.find("message")), testing::Not(HasSubstr("s3cret")));
  EXPECT_EQ(run(), 1) << "the status is of the whole file, reruns included";
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(RunTest, ReportsEveryBadLineAndSendsNothing) {
  write_input({line("/"), "not json", "[1]", R"({"id":1})", line("/", R"("id":"x","colour":1)"),
               line("/", R"("timeout":-1)"), line("/", R"("method":"trace")"),
               line("/", R"("body":"a","method":"get")"), line("/", R"("id":1.5)"),
               line("/", R"("headers":{"x":"a\r\nb"})"), R"({"url":"ftp://h/"})",
               line("/", R"("id":"1")"), line("/", R"("headers":{"x":{"$secret":"k"}})")});

  EXPECT_EQ(run(), 2);

  for (const char* expected :
       {"requests.jsonl:2: invalid JSON", "requests.jsonl:3: a line must be a JSON object",
        "requests.jsonl:4: url is missing", "requests.jsonl:5: unknown field \"colour\"",
        "requests.jsonl:6: timeout must be", "requests.jsonl:7: ", "requests.jsonl:8: body",
        "requests.jsonl:9: id must be a string or an integer", "requests.jsonl:10: headers.x",
        "requests.jsonl:11: url must be", "requests.jsonl:12: id \"1\" was given before",
        "requests.jsonl:13: headers.x refers to the secret",
        "12 of 13 lines are bad, nothing was sent"}) {
    EXPECT_THAT(errors_, HasSubstr(expected));
  }
  EXPECT_TRUE(server_.requests().empty());
  EXPECT_FALSE(std::filesystem::exists(output_));
  EXPECT_FALSE(std::filesystem::exists(state_));
}

TEST_F(RunTest, LeavesBadLinesOutWhenLenient) {
  write_input({line("/"), "not json", line("/", R"("id":"1")"), line("/")});
  EXPECT_EQ(run({"--lenient"}), 1);
  EXPECT_THAT(errors_, HasSubstr("requests.jsonl:2: invalid JSON"));
  EXPECT_THAT(errors_, HasSubstr("requests.jsonl:3: id \"1\" was given before"));
  EXPECT_EQ(results().size(), 2U);
  EXPECT_EQ(run({"--lenient"}), 1) << "bad lines are remembered";
}

TEST_F(RunTest, SendsNothingAgainWhenItIsComplete) {
  write_input({line("/"), line("/")});
  EXPECT_EQ(run(), 0);
  const std::string before = test::read_file(output_);
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(test::read_file(output_), before);
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(RunTest, RefusesAChangedInputUntilItIsToldToStartOver) {
  write_input({line("/")});
  EXPECT_EQ(run(), 0);
  write_input({line("/"), line("/")});
  EXPECT_EQ(run(), 2);
  EXPECT_THAT(errors_, HasSubstr("nothing was sent"));
  EXPECT_EQ(results().size(), 1U);
  EXPECT_EQ(run({"--fresh"}), 0);
  EXPECT_EQ(results().size(), 2U);
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(RunTest, RefusesAnOutputWithoutAState) {
  write_input({line("/")});
  test::write_file(output_, "precious\n");
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(test::read_file(output_), "precious\n");
  EXPECT_EQ(run({"--fresh"}), 0);
  EXPECT_EQ(results().size(), 1U);
}

TEST_F(RunTest, NeverOverwritesItsInput) {
  write_input({line("/")});
  const std::string before = test::read_file(input_);
  std::filesystem::create_symlink(input_, folder_.file("link"));
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"run", input_, "-o", input_, "--fresh"},
        {"run", input_, "-o", folder_.file("link"), "--fresh"},
        {"run", input_, "-o", output_, "--state", input_, "--fresh"},
        {"run", input_, "-o", output_, "--state", output_},
        {"run", input_, "-o", output_, "--state", folder_.file("./results.jsonl")}}) {
    Program program("patient-http", arguments);
    EXPECT_EQ(program.wait(), 2) << program.errors();
  }
  EXPECT_EQ(test::read_file(input_), before);
}

TEST_F(RunTest, LeavesAnOutputAloneThatAnotherRunWrites) {
  server_.hang("/hang");
  write_input({line("/"), line("/hang")});
  Program first("patient-http", {"run", input_, "--output", output_});
  ASSERT_TRUE(server_.wait_for_requests("/hang"));
  ASSERT_TRUE(test::wait_until([&] { return !test::read_file(output_).empty(); }));
  const std::string before = test::read_file(output_);
  Program second("patient-http",
                 {"run", input_, "--output", output_, "--state", folder_.file("other"), "--fresh"});
  EXPECT_EQ(second.wait(), 3);
  EXPECT_THAT(second.errors(), HasSubstr("another process writes to"));
  EXPECT_EQ(test::read_file(output_), before);
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(), 143);
}

TEST_F(RunTest, WritesToNoOtherFileThanBefore) {
  server_.hang("/hang");
  write_input({line("/"), line("/hang")});
  Program first("patient-http", {"run", input_, "--output", output_, "--state", state_});
  ASSERT_TRUE(server_.wait_for_requests("/hang"));
  ASSERT_TRUE(test::wait_until([&] { return !test::read_file(output_).empty(); }));
  first.signal(SIGINT);
  EXPECT_EQ(first.wait(), 130);

  const std::string precious = folder_.file("precious");
  const std::string content(10'000, 'p');
  test::write_file(precious, content);
  Program other("patient-http", {"run", input_, "--output", precious, "--state", state_});
  EXPECT_EQ(other.wait(), 3);
  EXPECT_EQ(test::read_file(precious), content);

  const std::string noted = test::read_file(output_) + "a note of mine\n";
  test::write_file(output_, noted);
  Program changed("patient-http", {"run", input_, "--output", output_, "--state", state_});
  EXPECT_EQ(changed.wait(), 3);
  EXPECT_THAT(changed.errors(), HasSubstr("something else was added to it"));
  EXPECT_EQ(test::read_file(output_), noted);
}

TEST_F(RunTest, GoesOnInAFileThatTheShellOpened) {
  server_.hang("/hang");
  write_input({line("/"), line("/hang")});
  Program first("patient-http", {"run", input_});
  ASSERT_TRUE(server_.wait_for_requests("/hang"));
  ASSERT_TRUE(test::wait_until([&] { return !first.output().empty(); }));
  first.signal(SIGINT);
  EXPECT_EQ(first.wait(), 130);
  // The shell's > has emptied it: what was written before would be missing.
  Program emptied("patient-http", {"run", input_});
  EXPECT_EQ(emptied.wait(), 3);
  EXPECT_THAT(emptied.errors(), HasSubstr("with > the shell empties the file, use --output"));
}

TEST_F(RunTest, DoesNotTakeWhatIsAddedToItsInputMeanwhile) {
  server_.on("/slow", [this](const ReceivedRequest&, ServerConnection& peer) {
    server_.wait_for_release();
    peer.send(TestHttpServer::response(200, "ok"));
  });
  std::vector<std::string> lines(3000, line("/slow"));  // more than is read ahead
  write_input(lines);
  Program program("patient-http", {"run", input_, "--output", output_});
  ASSERT_TRUE(server_.wait_for_requests("/slow", 200));
  std::ofstream(input_, std::ios::app) << line("/slow") << "\n";
  server_.release();
  EXPECT_EQ(program.wait(), 0) << program.errors();
  EXPECT_EQ(results().size(), 3000U);
}

TEST_F(RunTest, SkipsAByteOrderMark) {
  write_input({"\xef\xbb\xbf" + line("/")});
  EXPECT_EQ(run(), 0) << errors_;
}

TEST_F(RunTest, RefusesAStateThatIsNoneAndLeavesItAlone) {
  write_input({line("/")});
  test::write_file(state_, "dear diary");
  EXPECT_EQ(run(), 3);
  EXPECT_EQ(run({"--fresh"}), 3);
  EXPECT_EQ(test::read_file(state_), "dear diary");
}

TEST_F(RunTest, SaysThatResultsAreMissingWhenTheOutputWasCut) {
  write_input({line("/"), line("/")});
  EXPECT_EQ(run(), 0);
  std::filesystem::resize_file(output_, 10);
  EXPECT_EQ(run(), 3);
  EXPECT_THAT(errors_, HasSubstr("results are missing"));
}

TEST_F(RunTest, RefusesASecondRunOnTheSameState) {
  server_.hang("/hang");
  write_input({line("/hang")});
  Program first("patient-http", {"run", input_, "--output", output_});
  ASSERT_TRUE(server_.wait_for_requests("/hang"));
  EXPECT_EQ(run(), 3);
  EXPECT_THAT(errors_, HasSubstr("has it open"));
  EXPECT_EQ(run({"--fresh"}), 3);
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(), 143);
}

TEST_F(RunTest, StreamsFromAPipeToAPipe) {
  Program program("patient-http", {"run", "-"}, {.pipes_input = true, .pipes_output = true});
  program.write(line("/", R"("id":"a")") + "\n");
  EXPECT_THAT(program.read_line(), HasSubstr("\"id\":\"a\"")) << "before the input has ended";
  program.write(line("/", R"("id":"b")") + "\noops\n");
  EXPECT_THAT(program.read_line(), HasSubstr("\"id\":\"b\""));
  program.close_input();
  EXPECT_EQ(program.read_line(), "");
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.errors(), HasSubstr("-:3: invalid JSON"));
}

TEST_F(RunTest, SaysWhatIsWrongWithItsArguments) {
  const auto status = [](const std::vector<std::string>& arguments, const char* expected) {
    Program program("patient-http", arguments);
    const int code = program.wait();
    EXPECT_THAT(program.errors() + program.output(), HasSubstr(expected));
    return code;
  };
  EXPECT_EQ(status({}, "subcommand is required"), 2);
  EXPECT_EQ(status({"run"}, "input is required"), 2);
  EXPECT_EQ(status({"run", folder_.file("none")}, "No such file or directory"), 2);
  EXPECT_EQ(status({"run", folder_.path().string()}, "is a folder"), 2);
  EXPECT_EQ(
      status({"run", input_, "--concurrency", "0"}, "--concurrency must be a positive number"), 2);
  EXPECT_EQ(status({"run", input_, "--concurrency", "-1"}, "--concurrency must be at most 1000000"),
            2);
  EXPECT_EQ(status({"run", input_, "--grace", "nan"}, "--grace must be a number of seconds"), 2);
  EXPECT_EQ(status({"run", input_, "--concurrency", "many"}, "Could not convert"), 2);
  EXPECT_EQ(status({"run", "--help"}, "goes on where it stopped"), 0);
  EXPECT_EQ(status({"--version"}, "patient-http 0.1.0"), 0);
  write_input({line("/")});
  EXPECT_EQ(status({"run", input_, "--ca-file", "/none"}, "cannot read CA certificates from /none"),
            2);
  EXPECT_EQ(status({"run", input_, "-o", "/none/out"}, "cannot open"), 3);
}

TEST_F(RunTest, NeedsLittleMemoryForMuchInput) {
  // Half a million lines, the last one bad: all of them are checked, and nothing is sent.
  std::ofstream file(input_);
  for (int i = 0; i < 500'000; ++i)
    file << "{\"id\":" << i << ",\"url\":\"http://127.0.0.1:1/\"}\n";
  file << "{}\n" << std::flush;
  Program program("patient-http", {"run", input_, "--output", output_});
  EXPECT_EQ(program.wait(), 2);
  EXPECT_THAT(program.errors(), HasSubstr("1 of 500001 lines are bad"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(program.peak_memory(), std::size_t{80} << 20);
#endif
}

TEST_F(RunTest, RunsOverTls) {
  TestHttpServer tls(&TestCertificate::get());
  write_input({"{\"url\":\"" + tls.url("/") + "\"}"});
  EXPECT_EQ(run({"--ca-file", TestCertificate::get().ca_file}), 0) << errors_;
  EXPECT_EQ(run({"--fresh"}), 1);
  EXPECT_EQ(dump(results().at("1").find("error")->find("kind")), "\"tls_certificate\"");
}

}  // namespace
}  // namespace patient_http
