// Servers that ask who the client is.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "patient_http/inline_executor.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::ReceivedRequest;
using test::ServerConnection;
using test::TemporaryFolder;
using test::TestCertificate;
using test::TestHttpServer;
using testing::ElementsAre;
using testing::HasSubstr;

ClientCertificate certificate_for(const std::string& host) {
  const TestCertificate& client = TestCertificate::for_client();
  return {.host = host, .certificate_file = client.certificate_file, .key_file = client.key_file};
}

class ClientCertificateTest : public testing::Test {
 protected:
  static ProcessorOptions options_with(std::vector<ClientCertificate> certificates) {
    ProcessorOptions options{.request_timeout = Seconds{20}, .retries = 0};
    options.ca_file = TestCertificate::get().ca_file;
    options.client_certificates = std::move(certificates);
    return options;
  }
  static Result<Response, Error> send(InlineExecutor& executor, const std::string& url) {
    return executor.send(Request::create({.url = url}).value());
  }
  // Who came, request by request.
  static std::vector<std::string> clients_of(const TestHttpServer& server) {
    std::vector<std::string> clients;
    for (const ReceivedRequest& request : server.requests()) clients.push_back(request.client);
    return clients;
  }
  // The server of localhost and of 127.0.0.1, which are two hosts.
  TestHttpServer server_{&TestCertificate::get()};
};

TEST_F(ClientCertificateTest, IsShownToTheHostThatDemandsIt) {
  server_.ask_for_certificate(true);
  InlineExecutor executor(options_with({certificate_for("localhost")}));
  const auto response = send(executor, server_.url("/", "localhost"));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_THAT(clients_of(server_), ElementsAre("client"));
}

TEST_F(ClientCertificateTest, IsShownOverTls12Too) {
  server_.ask_for_certificate(true);
  server_.stay_at_tls12();
  InlineExecutor executor(options_with({certificate_for("LOCALHOST.")}));
  const auto response = send(executor, server_.url("/", "localhost"));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_THAT(clients_of(server_), ElementsAre("client"));
}

TEST_F(ClientCertificateTest, IsMissedByAHostThatDemandsOneAndHasNone) {
  server_.ask_for_certificate(true);
  InlineExecutor executor(options_with({certificate_for("localhost")}));
  const auto response = send(executor, server_.url("/"));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind(), ErrorKind::kTls);
  EXPECT_THAT(response.error().message(), HasSubstr("certificate required"));
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(ClientCertificateTest, IsNotShownToOthersOverRedirects) {
  TestHttpServer other_port(&TestCertificate::get());
  server_.ask_for_certificate(false);
  other_port.ask_for_certificate(false);
  server_.answer("/start", 302, "", "location: " + server_.url("/second") + "\r\n");
  server_.answer("/second", 302, "", "location: " + other_port.url("/third", "localhost") + "\r\n");
  other_port.answer("/third", 302, "", "location: " + server_.url("/end", "localhost") + "\r\n");
  InlineExecutor executor(
      options_with({certificate_for("localhost:" + std::to_string(server_.port()))}));
  const auto response = send(executor, server_.url("/start", "localhost"));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_THAT(clients_of(server_), ElementsAre("client", "", "client"));
  EXPECT_THAT(clients_of(other_port), ElementsAre(""));
}

TEST_F(ClientCertificateTest, IsInNoSessionOfAnotherHost) {
  server_.ask_for_certificate(false);
  server_.on("/", [](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(TestHttpServer::response(200, "ok", "connection: close\r\n"));
    peer.close();
  });
  InlineExecutor executor(options_with({certificate_for("localhost")}));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(send(executor, server_.url("/", "localhost")).has_value());
    ASSERT_TRUE(send(executor, server_.url("/")).has_value());
  }
  EXPECT_THAT(clients_of(server_), ElementsAre("client", "", "client", ""));
  EXPECT_EQ(server_.resumed_count(), 2);
}

TEST_F(ClientCertificateTest, IsTheFirstThatFits) {
  server_.ask_for_certificate(false);
  const TestCertificate& other = TestCertificate::for_wrong_host();
  ClientCertificate second = certificate_for("localhost");
  second.certificate_file = other.certificate_file;
  second.key_file = other.key_file;
  InlineExecutor executor(
      options_with({certificate_for("*.localhost"), second, certificate_for("localhost")}));
  ASSERT_TRUE(send(executor, server_.url("/", "localhost")).has_value());
  EXPECT_THAT(clients_of(server_), ElementsAre("wrong.example"));
}

TEST_F(ClientCertificateTest, OpensItsKeyWithThePassphrase) {
  server_.ask_for_certificate(true);
  ClientCertificate certificate = certificate_for("localhost");
  certificate.key_file = TestCertificate::for_client().encrypted_key("open sesame");
  EXPECT_THAT(certificate.check_files().error().message,
              HasSubstr("the key in " + certificate.key_file + " needs a passphrase"));
  certificate.passphrase = [] { return std::optional<std::string>("hunter2"); };
  EXPECT_THAT(certificate.check_files().error().message,
              HasSubstr("the passphrase does not open the key"));
  EXPECT_EQ(certificate.check_files().error().message.find("hunter2"), std::string::npos);
  certificate.passphrase = [] { return std::optional<std::string>(); };
  EXPECT_THAT(certificate.check_files().error().message, HasSubstr("there is no passphrase"));
  certificate.passphrase = []() -> std::optional<std::string> {
    throw std::runtime_error("the vault is sealed");
  };
  EXPECT_THAT(certificate.check_files().error().message,
              HasSubstr("cannot get the passphrase: the vault is sealed"));
  certificate.passphrase = [] { return std::optional<std::string>("open sesame"); };
  InlineExecutor executor(options_with({certificate}));
  EXPECT_TRUE(send(executor, server_.url("/", "localhost")).has_value());
}

TEST_F(ClientCertificateTest, IsCheckedAtTheStart) {
  const TemporaryFolder folder;
  const std::string text = folder.file("text.pem");
  std::ofstream(text) << "no certificate\n";
  const auto problem_of = [](const std::string& certificate, const std::string& key) {
    const ClientCertificate wrong{
        .host = "api.example.com", .certificate_file = certificate, .key_file = key};
    try {
      const InlineExecutor executor(options_with({wrong}));
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string("(none)");
  };
  const TestCertificate& good = TestCertificate::for_client();
  const TestCertificate& other = TestCertificate::get();
  const std::string prefix = "the client certificate for api.example.com: ";
  EXPECT_EQ(problem_of(good.certificate_file, other.key_file),
            prefix + "the key in " + other.key_file + " does not belong to the certificate in " +
                good.certificate_file);
  EXPECT_THAT(problem_of("/no/such.pem", good.key_file),
              HasSubstr(prefix + "cannot read /no/such.pem: "));
  EXPECT_THAT(problem_of(good.certificate_file, "/no/such.key"),
              HasSubstr(prefix + "cannot read /no/such.key: "));
  EXPECT_EQ(problem_of(text, good.key_file), prefix + "there is no certificate (PEM) in " + text);
  EXPECT_EQ(problem_of(good.certificate_file, ""),
            prefix + "there is no private key (PEM) in " + good.certificate_file);
  const TestCertificate& expired = TestCertificate::expired();
  EXPECT_THAT(
      problem_of(expired.certificate_file, expired.key_file),
      HasSubstr(prefix + "the certificate in " + expired.certificate_file + " expired on "));
  const TestCertificate& early = TestCertificate::not_yet_valid();
  EXPECT_THAT(problem_of(early.certificate_file, early.key_file),
              HasSubstr(" is not valid before "));
}

TEST_F(ClientCertificateTest, MayBeInOneFileWithItsKey) {
  const TemporaryFolder folder;
  const std::string both = folder.file("both.pem");
  const TestCertificate& client = TestCertificate::for_client();
  std::ofstream(both) << std::ifstream(client.key_file).rdbuf()
                      << std::ifstream(client.certificate_file).rdbuf();
  const ClientCertificate certificate{.host = "localhost", .certificate_file = both};
  const auto checked = certificate.check_files();
  EXPECT_TRUE(checked.has_value()) << checked.error().message;
}

TEST(TlsMinVersionTest, RefusesAnOlderTls) {
  TestHttpServer server(&TestCertificate::get());
  server.stay_at_tls12();
  ProcessorOptions options{.request_timeout = Seconds{20}, .retries = 0};
  options.ca_file = TestCertificate::get().ca_file;
  const Request request = Request::create({.url = server.url("/")}).value();
  EXPECT_TRUE(InlineExecutor(options).send(request).has_value());
  options.tls_min_version = TlsVersion::kTls13;
  const auto response = InlineExecutor(options).send(request);
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind(), ErrorKind::kTls);
  EXPECT_THAT(response.error().message(), HasSubstr("protocol version"));
}

}  // namespace
}  // namespace patient_http
