// Keeps large requests and results outside the jobs, and everything encrypted:
//
//   export PATIENT_HTTP_KEYS="a long random password"
//   example_payload_stores data submit http://localhost:8080/documents …
//   example_payload_stores data work
//
// "submit" posts a document of 200 KB to each url, but only hands it in; "work" carries out what
// was handed in, until Ctrl-C. Several keys are separated by commas: the first encrypts, all
// decrypt. docs/payloads-and-secrets.md says how to change keys without losing a job.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>

#include "patient_http/file_payload_store.h"
#include "patient_http/service.h"

namespace {

using patient_http::PayloadStore;
using patient_http::Result;

// A store of one's own: two others, say on two disks. It is as durable as the better of them.
class MirroredStore final : public PayloadStore {
 public:
  MirroredStore(std::unique_ptr<PayloadStore> one, std::unique_ptr<PayloadStore> other)
      : one_(std::move(one)), other_(std::move(other)) {}

  Result<void> store(const std::string& key, std::string_view data) override {
    if (auto stored = one_->store(key, data); !stored) return stored;
    return other_->store(key, data);
  }
  Result<std::optional<std::string>> fetch(const std::string& key) override {
    auto found = one_->fetch(key);
    if (found && *found) return found;
    auto in_other = other_->fetch(key);
    // Missing only when both say so: a job whose payload is missing cannot be run.
    if (in_other && !*in_other && !found) return found;
    return in_other;
  }
  Result<void> remove(const std::string& key) override {
    if (auto removed = one_->remove(key); !removed) return removed;
    return other_->remove(key);
  }
  Result<bool> exists(const std::string& key) override {
    auto found = one_->exists(key);
    return found && *found ? found : other_->exists(key);
  }

 private:
  const std::unique_ptr<PayloadStore> one_;
  const std::unique_ptr<PayloadStore> other_;
};

class Archived final : public patient_http::Callback {
 public:
  void on_complete(const patient_http::Response& response) override {
    std::printf("%d, %zu bytes\n", response.status(), response.body().value_or("").size());
  }
  void on_error(const patient_http::Error& error) override { std::puts(error.message().c_str()); }
};

patient_http::EncryptionOptions encryption_from_environment() {
  patient_http::EncryptionOptions encryption;
  const char* keys = std::getenv("PATIENT_HTTP_KEYS");
  std::istringstream list(keys != nullptr ? keys : "");
  for (std::string key; std::getline(list, key, ',');) encryption.keys.push_back(key);
  // As a Rails application with the defaults of 7.1 or later writes it.
  encryption.format = {.digest = patient_http::EncryptionFormat::Digest::kSha256,
                       .serializer = patient_http::EncryptionFormat::Serializer::kJson};
  return encryption;
}

patient_http::Configuration configure(const std::string& folder) {
  std::filesystem::create_directories(folder);
  patient_http::Configuration configuration;
  configuration.database = folder + "/jobs.db";
  configuration.register_callback<Archived>("Archived");
  configuration.encryption = encryption_from_environment();

  // All stores are read; the last one takes what is new. "files" is what was used before.
  auto files = patient_http::FilePayloadStore::open(folder + "/payloads");
  auto left = patient_http::FilePayloadStore::open(folder + "/left");
  auto right = patient_http::FilePayloadStore::open(folder + "/right");
  configuration.register_payload_store("files", std::move(files.value()));
  configuration.register_payload_store(
      "mirror", std::make_shared<MirroredStore>(std::move(left.value()), std::move(right.value())));
  configuration.payloads.threshold = 100'000;  // bytes of JSON
  return configuration;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 2 ? argv[2] : "";
  if (command != "submit" && command != "work") {
    std::fprintf(stderr, "Usage: %s FOLDER submit URL… | %s FOLDER work\n", argv[0], argv[0]);
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  auto service = patient_http::Service::open(configure(argv[1]));
  if (!service) {
    std::fprintf(stderr, "%s\n", service.error().message.c_str());
    return 1;
  }
  if (command == "work") {
    (*service)->start();
    int signal = 0;
    sigwait(&ends, &signal);
    return 0;  // the service stops when it goes
  }
  for (int i = 3; i < argc; ++i) {
    const auto id = (*service)->client().post(argv[i], {.body = std::string(200'000, 'x')},
                                              {.callback = "Archived"});
    std::puts(id ? id->c_str() : id.error().message.c_str());
  }
}
