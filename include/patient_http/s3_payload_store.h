#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/payload_store.h"
#include "patient_http/secret_manager.h"

namespace patient_http {

struct S3PayloadStoreOptions {
  std::string bucket = {};
  // "eu-central-1"; whatever a compatible store wants in its place, often "us-east-1".
  std::string region = {};
  // Of a compatible store, "https://minio.example.com:9000"; empty: that of AWS in the region.
  std::string endpoint = {};
  // Whether the bucket stands in the path, and not before the host's name. Unset: with an endpoint,
  // and for a bucket with a dot, which no certificate covers.
  std::optional<bool> uses_paths = std::nullopt;
  // Put before each key. A Ruby application that shares the payloads has the same one.
  std::string prefix = "patient_http/payloads/";
  // Asked for each request that is sent, so that credentials may rotate; they may block.
  SecretFunction access_key_id = {};
  SecretFunction secret_access_key = {};
  SecretFunction session_token = {};  // for temporary credentials
  // Certificates to trust, PEM; empty: the system's.
  std::string ca_file = {};
  // How long a call may take, with all its attempts.
  std::chrono::milliseconds time_limit = std::chrono::seconds(10);
  // Attempts after the first: failures of the connection, timeouts, 429 and 5xx.
  int retries = 3;

  // Everything that is wrong, a sentence each; empty when all is well.
  [[nodiscard]] std::vector<std::string> validate() const;
};

// Keeps payloads as objects "<prefix><key>" of content type application/json in a bucket of Amazon
// S3, or of what is compatible with it, as the S3 store of the Ruby gem does. Several processes may
// share it. A payload has at most 512 MiB.
//
// A payload is missing only when the store says so (NoSuchKey). A store that is away, denies access
// or has no such bucket is a failure. No message holds a credential or a payload.
//
// Thread safety: as PayloadStore demands. Requests are sent by a Processor of its own.
class S3PayloadStore final : public PayloadStore {
 public:
  // Looks for an object once. Fails when an option is wrong, or the store cannot be reached or
  // refuses.
  [[nodiscard]] static Result<std::unique_ptr<S3PayloadStore>> open(
      const S3PayloadStoreOptions& options);
  ~S3PayloadStore() override;
  S3PayloadStore(const S3PayloadStore&) = delete;
  S3PayloadStore& operator=(const S3PayloadStore&) = delete;

  [[nodiscard]] Result<void> store(const std::string& key, std::string_view data) override;
  [[nodiscard]] Result<std::optional<std::string>> fetch(const std::string& key) override;
  [[nodiscard]] Result<void> remove(const std::string& key) override;
  [[nodiscard]] Result<bool> exists(const std::string& key) override;
  void interrupt() override;
  void resume() override;

 private:
  class Impl;
  explicit S3PayloadStore(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace patient_http
