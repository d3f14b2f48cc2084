// `patient-http get URL` and its like.

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/program.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::Program;
using test::TestHttpServer;
using testing::HasSubstr;

TEST(SendTest, PrintsTheBodyOfAResponseOfAnyStatus) {
  TestHttpServer server;
  server.answer("/404", 404, "not here", "x-a: 1\r\n");
  Program plain("patient-http", {"get", server.url("/404")});
  EXPECT_EQ(plain.wait(), 0);
  EXPECT_EQ(plain.output(), "not here");
  Program with_head("patient-http", {"get", server.url("/404"), "--include", "--fail"});
  EXPECT_EQ(with_head.wait(), 1);
  EXPECT_EQ(with_head.output(), "HTTP/1.1 404\nx-a: 1\n\nnot here");
}

TEST(SendTest, SendsNothingWhereItMayNotGo) {
  TestHttpServer server;
  Program denied("patient-http", {"get", server.url("/x"), "--deny-private-networks"});
  EXPECT_EQ(denied.wait(), 1);
  EXPECT_THAT(denied.errors(), HasSubstr("127.0.0.1 is a loopback address (127.0.0.0/8), denied by "
                                         "network_policy.deny_private_networks"));
  Program allowed("patient-http", {"get", server.url("/x"), "--deny-private-networks",
                                   "--allow-networks", "10.0.0.0/8,127.0.0.1"});
  EXPECT_EQ(allowed.wait(), 0) << allowed.errors();
  Program wrong("patient-http", {"get", server.url("/x"), "--deny-networks", "10.0.0.0/33",
                                 "--deny-hosts", "a/b", "--deny-ports", "80"});
  EXPECT_EQ(wrong.wait(), 2);
  EXPECT_THAT(wrong.errors(), HasSubstr("--deny-networks must be networks such as 10.0.0.0/8"));
  EXPECT_THAT(wrong.errors(), HasSubstr("--deny-hosts must be hosts"));
  EXPECT_EQ(server.connection_count(), 1);
}

TEST(SendTest, SendsHeadersParamsAndBodies) {
  TestHttpServer server;
  test::TemporaryFolder folder;
  test::write_file(folder.file("body"), "from a file");
  Program json("patient-http", {"post", server.url("/j"), "-H", "X-A: b: c", "-p", "q=a b", "-p",
                                "flag", "--json", "{\"a\": 1}"});
  EXPECT_EQ(json.wait(), 0) << json.errors();
  Program file("patient-http", {"put", server.url("/f"), "--data", "@" + folder.file("body"), "-o",
                                folder.file("out")});
  EXPECT_EQ(file.wait(), 0) << file.errors();
  EXPECT_EQ(test::read_file(folder.file("out")), "ok");

  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].target, "/j?q=a+b&flag");
  EXPECT_EQ(requests[0].header("x-a"), std::vector<std::string>{"b: c"});
  EXPECT_EQ(requests[0].body, "{\"a\":1}");
  EXPECT_EQ(requests[1].body, "from a file");
}

TEST(SendTest, SignsAsAFileSays) {
  TestHttpServer server;
  test::TemporaryFolder folder;
  test::write_file(folder.file("c.toml"),
                   "[preprocessors.aws]\ntype = \"aws_sigv4\"\nservice = \"bedrock\"\n"
                   "region = \"us-east-1\"\naccess_key_id = \"AKID\"\n"
                   "secret_access_key = \"secret\"\n");
  Program good("patient-http", {"get", server.url("/s"), "--config", folder.file("c.toml"),
                                "--preprocessor", "aws"});
  EXPECT_EQ(good.wait(), 0) << good.errors();
  EXPECT_THAT(server.requests().at(0).header("authorization").at(0),
              HasSubstr("/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, "));
  Program bad("patient-http", {"get", server.url("/s"), "--preprocessor", "aws"});
  EXPECT_EQ(bad.wait(), 1);
  EXPECT_THAT(bad.errors(), HasSubstr("no preprocessor is registered as \"aws\""));
}

TEST(SendTest, TakesOptionsAndSecretsFromAFileUnderTheCommandLine) {
  TestHttpServer server;
  test::TemporaryFolder folder;
  test::write_file(folder.file("c.toml"),
                   "[processor]\nuser_agent = \"from the file\"\nretries = 0\n"
                   "[secrets]\ntoken = { env = \"SEND_TEST_TOKEN\" }\n");
  const std::vector<std::string> command = {"get",
                                            server.url("/s"),
                                            "--config",
                                            folder.file("c.toml"),
                                            "--secret-header",
                                            "authorization: token"};
  Program unset("patient-http", command);
  EXPECT_EQ(unset.wait(), 1);
  EXPECT_THAT(unset.errors(), HasSubstr("SEND_TEST_TOKEN is not set"));
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the servers' threads do not read it
  ASSERT_EQ(::setenv("SEND_TEST_TOKEN", "Bearer 123", 1), 0);
  Program file("patient-http", command);
  EXPECT_EQ(file.wait(), 0) << file.errors();
  std::vector<std::string> with_agent = command;
  with_agent.insert(with_agent.end(), {"--user-agent", "from the line"});
  Program line("patient-http", with_agent);
  EXPECT_EQ(line.wait(), 0) << line.errors();
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].header("authorization"), std::vector<std::string>{"Bearer 123"});
  EXPECT_EQ(requests[0].header("user-agent"), std::vector<std::string>{"from the file"});
  EXPECT_EQ(requests[1].header("user-agent"), std::vector<std::string>{"from the line"});

  test::write_file(folder.file("c.toml"), "[processor]\nretries = \"x\"\n");
  Program bad("patient-http", command);
  EXPECT_EQ(bad.wait(), 2);
  EXPECT_THAT(bad.errors(), HasSubstr("c.toml:2: processor.retries must be"));
}

TEST(SendTest, TellsErrorsFromUsage) {
  Program refused("patient-http", {"get", "http://127.0.0.1:1/", "--retries", "0"});
  EXPECT_EQ(refused.wait(), 1);
  EXPECT_THAT(refused.errors(), HasSubstr("Connection refused"));
  Program bad_url("patient-http", {"get", "/relative"});
  EXPECT_EQ(bad_url.wait(), 2);
  Program bad_header("patient-http", {"get", "http://127.0.0.1:1/", "-H", "nonsense"});
  EXPECT_EQ(bad_header.wait(), 2);
  EXPECT_THAT(bad_header.errors(), HasSubstr("name: value"));
  Program body_on_get("patient-http", {"get", "http://127.0.0.1:1/", "--data", "x"});
  EXPECT_EQ(body_on_get.wait(), 2);
  Program folder("patient-http", {"post", "http://127.0.0.1:1/", "--data", "@/"});
  EXPECT_EQ(folder.wait(), 2);
  EXPECT_THAT(folder.errors(), HasSubstr("cannot read /"));
  Program nothing("patient-http", {"post", "http://127.0.0.1:1/", "--data", "@/dev/null"});
  EXPECT_EQ(nothing.wait(), 1) << nothing.errors();
}

}  // namespace
}  // namespace patient_http
