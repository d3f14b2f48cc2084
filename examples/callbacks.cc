// Fetches urls durably, and posts a report about each one:
//
//   example_callbacks jobs.db http://localhost:8080/reports http://localhost:8080/a …
//
// Runs until Ctrl-C. Start it again with the same database, without urls or with further ones: what
// was not done goes on.

#include <csignal>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include "patient_http/service.h"

namespace {

using patient_http::Client;
using patient_http::Configuration;
using patient_http::Error;
using patient_http::Json;
using patient_http::Response;

// Gets the result of each url. It needs something, so it is registered with a function that makes
// it.
class Fetched final : public patient_http::Callback {
 public:
  explicit Fetched(std::string report_url) : report_url_(std::move(report_url)) {}

  void on_complete(const Response& response) override {
    const std::size_t size = response.body() ? response.body()->size() : 0;
    // What the one who submitted the request wanted back.
    const Json number = response.callback_args().fetch("number");
    std::printf("%s: %s has status %d and %zu bytes\n", number.dump().c_str(),
                response.url().c_str(), response.status(), size);
    report(response.request_id(),
           Json::object({{"url", response.url()}, {"status", response.status()}}));
  }

  void on_error(const Error& error) override {
    std::printf("%s: %s\n", error.callback_args().fetch("number").dump().c_str(),
                error.message().c_str());
    report(error.request_id(),
           Json::object({{"url", error.url()}, {"error", std::string(error.error_type())}}));
  }

 private:
  // A callback may run twice, when its process dies before its end is noted. The same id makes one
  // report of two.
  void report(const std::string& request_id, Json report) {
    const auto id = Client().post(report_url_, {.json = std::move(report)},
                                  {.callback = "Reported", .request_id = request_id + ":report"});
    // Thrown from a callback: it is tried again later, with the same result.
    if (!id) throw std::runtime_error(id.error().message);
  }

  const std::string report_url_;
};

class Reported final : public patient_http::Callback {
 public:
  void on_complete(const Response& response) override {
    std::printf("reported: %d\n", response.status());
  }
  void on_error(const Error& error) override {
    std::printf("not reported: %s\n", error.message().c_str());
  }
};

Configuration configure(const char* database, const std::string& report_url) {
  Configuration configuration;
  configuration.database = database;
  configuration.processor.retries = 1;  // of requests whose connection fails
  configuration.callbacks.retries = 5;  // of callbacks that throw
  configuration.register_callback("Fetched", [=] { return std::make_unique<Fetched>(report_url); });
  configuration.register_callback<Reported>("Reported");

  // Hooks see each result before its callback does.
  configuration.callbacks.after_error.emplace_back([](const Error& error) {
    std::printf("hook: %s error\n", std::string(error.error_type()).c_str());
  });
  // Called when on_error() has thrown each time; the error is kept among the dead then.
  configuration.callbacks.on_retries_exhausted = [](const Error& error) {
    std::printf("given up: request %s\n", error.request_id().c_str());
  };
  // Into the log of the program, whatever that is.
  configuration.log = patient_http::Log([](patient_http::LogLevel, std::string_view line) {
    std::fprintf(stderr, "patient-http: %.*s\n", static_cast<int>(line.size()), line.data());
  });
  return configuration;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "Usage: %s DATABASE REPORT_URL [URL…]\n", argv[0]);
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  // Blocked before any thread is started, so that only the sigwait() below takes them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  auto service = patient_http::Service::open(configure(argv[1], argv[2]));
  if (!service) {
    std::fprintf(stderr, "%s\n", service.error().message.c_str());
    return 1;
  }
  (*service)->start();
  for (int i = 3; i < argc; ++i) {
    const auto id = (*service)->client().get(
        argv[i], {.timeout = std::chrono::minutes(5)},
        {.callback = "Fetched", .callback_args = Json::object({{"number", i - 2}})});
    if (!id) std::fprintf(stderr, "%s: %s\n", argv[i], id.error().message.c_str());
  }

  int signal = 0;
  sigwait(&ends, &signal);
  std::puts("stopping");
  (*service)->stop(std::chrono::seconds(10));
}
