#include "setup.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>

#include "patient_http/file_payload_store.h"

namespace test_app {

namespace {

using namespace patient_http;

// How often the callback of a request may still throw. In this process only: that is what the test
// application is for.
class Throws {
 public:
  void take_one(const std::string& request_id, std::int64_t times) {
    std::lock_guard lock(mutex_);
    auto& left = left_.try_emplace(request_id, times).first->second;
    if (left <= 0) return;
    --left;
    throw std::runtime_error("told to throw, " + std::to_string(left) + " left");
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::int64_t> left_;
};

class Printer final : public Callback {
 public:
  explicit Printer(Throws& throws) : throws_(throws) {}

  void on_complete(const Response& response) override {
    const std::string body = response.body().value_or("");
    std::string text = "[" + response.request_id() +
                       "] complete: " + std::to_string(response.status()) + ", " +
                       std::to_string(body.size()) + " bytes, args " +
                       response.callback_args().to_json().dump() + "\n";
    for (const std::string& url : response.redirects()) text += "  by way of " + url + "\n";
    // The built-in server sends back what it was sent.
    std::istringstream lines(body.size() < 2000 ? body : "");
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      text += "  | " + line + "\n";
    }
    std::fputs(text.c_str(), stdout);
    throw_if_told(response.request_id(), response.callback_args());
  }

  void on_error(const Error& error) override {
    std::printf("[%s] error: %s (%s), args %s\n", error.request_id().c_str(),
                std::string(to_string(error.kind())).c_str(), error.message().c_str(),
                error.callback_args().to_json().dump().c_str());
    throw_if_told(error.request_id(), error.callback_args());
  }

 private:
  void throw_if_told(const std::string& request_id, const CallbackArgs& args) {
    throws_.take_one(request_id, args.fetch("throw").to_int64().value_or(0));
  }

  Throws& throws_;
};

EncryptionOptions encryption_from_environment() {
  EncryptionOptions encryption;
  const char* keys = std::getenv("TEST_APP_KEY");
  std::istringstream list(keys != nullptr ? keys : "");
  for (std::string key; std::getline(list, key, ',');) encryption.keys.push_back(key);
  return encryption;
}

}  // namespace

Configuration configure(const std::string& database) {
  Configuration configuration;
  configuration.database = database;
  configuration.processor.max_response_size = std::size_t{64} << 20;
  configuration.processor.retries = 1;
  configuration.callbacks.retries = 3;
  configuration.callbacks.on_retries_exhausted = [](const Error& error) {
    std::printf("[%s] retries exhausted\n", error.request_id().c_str());
  };
  // Owned by the function that makes callbacks, and by nobody else.
  auto throws = std::make_shared<Throws>();
  configuration.register_callback("Printer",
                                  [throws] { return std::make_unique<Printer>(*throws); });

  configuration.encryption = encryption_from_environment();
  auto files = FilePayloadStore::open(database + ".payloads");
  if (!files) throw std::runtime_error(files.error().message);
  configuration.register_payload_store("files", std::move(*files));
  configuration.payloads.threshold = 1024;

  configuration.register_secret("token", kSecretValue);
  configuration.register_preprocessor("sign", [](OutgoingRequest& request) {
    request.set_header("x-signed", std::to_string(request.body().value_or("").size()) + " bytes");
  });
  return configuration;
}

}  // namespace test_app
