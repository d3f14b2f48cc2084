// Many requests at once to nghttpd, HTTP/2's reference server, with what other servers do of it:
// padding, trailers, few streams, no tables, answers that come before the request is whole.

#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <optional>

#include "patient_http/processor.h"
#include "support/loopback_port.h"
#include "support/program.h"
#include "support/recording_task_handler.h"
#include "support/temporary_folder.h"
#include "support/test_certificate.h"

namespace patient_http {
namespace {

using test::make_task;
using test::Program;
using test::RecordingTaskHandler;
using test::TestCertificate;

// On 127.0.0.1, serving files of its folder and echoing what is uploaded.
class Nghttpd {
 public:
  explicit Nghttpd(bool is_tls, const std::vector<std::string>& options = {})
      : is_tls_(is_tls), port_(test::free_port()) {
    for (const auto& [name, content] : files()) test::write_file(folder_.file(name), content);
    std::vector<std::string> words = {"-a", "127.0.0.1", "-d", folder_.path().string(),
                                      "--echo-upload"};
    words.insert(words.end(), options.begin(), options.end());
    if (!is_tls) words.push_back("--no-tls");
    words.push_back(std::to_string(port_));
    if (is_tls) {
      words.push_back(TestCertificate::get().key_file);
      words.push_back(TestCertificate::get().certificate_file);
    }
    program_ = std::make_unique<Program>("/usr/sbin/nghttpd", words);
    const bool is_up =
        test::wait_until([this] { return test::is_listening(port_) || program_->has_ended(); });
    if (!is_up || program_->has_ended()) {
      throw std::runtime_error("nghttpd does not start: " + program_->errors());
    }
  }
  ~Nghttpd() {
    program_->signal(SIGTERM);
    program_->wait();
  }
  Nghttpd(const Nghttpd&) = delete;
  Nghttpd& operator=(const Nghttpd&) = delete;

  static const std::map<std::string, std::string>& files() {
    static const std::map<std::string, std::string> files = {
        {"empty", ""}, {"small", "small\n"}, {"large", std::string(700'000, 'l')}};
    return files;
  }
  [[nodiscard]] std::string url(const std::string& name) const {
    return (is_tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_) + "/" +
           name;
  }

 private:
  const bool is_tls_;
  const int port_;
  test::TemporaryFolder folder_;
  std::unique_ptr<Program> program_;
};

// Some 300 requests, each answered as it should be, once.
void exchange_with(const Nghttpd& server, std::optional<HttpProtocol> protocol) {
  RecordingTaskHandler handler;
  ProcessorOptions options{.max_connections = 500, .request_timeout = Seconds{60}, .retries = 0};
  options.ca_file = TestCertificate::get().ca_file;
  options.protocol = protocol;
  Processor processor(options);
  processor.start();
  std::map<std::string, std::string> expected;  // by id
  const auto enqueue = [&](RequestOptions request, const std::string& answer) {
    const std::string id = std::to_string(expected.size());
    expected[id] = answer;
    EXPECT_TRUE(processor.enqueue(make_task(std::move(request), handler, {.id = id})));
  };
  for (int i = 0; i < 60; ++i) {
    for (const auto& [name, content] : Nghttpd::files()) {
      enqueue({.url = server.url(name)}, "200 " + content);
    }
    enqueue({.url = server.url("none")}, "404");
    const std::string body(static_cast<std::size_t>(i) * 3'000, 'u');
    enqueue({.method = HttpMethod::kPost, .url = server.url("echo"), .body = body}, "200 " + body);
  }
  std::map<std::string, std::string> seen;
  for (const auto& outcome : handler.wait_for(expected.size())) {
    std::string text = "error";
    if (outcome.error) text += ": " + outcome.error->message();
    if (outcome.response) text = std::to_string(outcome.response->status());
    if (text == "200") text += " " + outcome.response->body().value_or("");
    EXPECT_TRUE(seen.emplace(outcome.id, text).second) << outcome.id << " came twice";
  }
  for (const auto& [id, answer] : expected) {
    EXPECT_EQ(seen[id].substr(0, 200), answer.substr(0, 200)) << id;
    EXPECT_TRUE(seen[id] == answer) << id;
  }
}

TEST(NghttpdTest, AnswersOverTls) {
  const Nghttpd server(true);
  exchange_with(server, std::nullopt);
}

TEST(NghttpdTest, AnswersWithPriorKnowledge) {
  const Nghttpd server(false);
  exchange_with(server, HttpProtocol::kHttp2);
}

TEST(NghttpdTest, PadsAndSendsTrailersWithoutLengths) {
  const Nghttpd server(true, {"--padding=200", "--trailer", "x-trailer: t", "--no-content-length"});
  exchange_with(server, HttpProtocol::kHttp2);
}

// Not with windows below the usual 65,535 bytes: nghttpd resets streams that used that much before
// they knew, against RFC 9113 §6.9.3.
TEST(NghttpdTest, TakesFewStreamsAndHasNoRoomForTables) {
  const Nghttpd server(true, {"-m", "7", "-c", "0", "--encoder-header-table-size=0"});
  exchange_with(server, std::nullopt);
}

TEST(NghttpdTest, AnswersBeforeTheRequestIsWhole) {
  const Nghttpd server(true, {"--early-response"});
  exchange_with(server, std::nullopt);
}

}  // namespace
}  // namespace patient_http
