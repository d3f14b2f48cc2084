#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/payload_store.h"

namespace patient_http {

struct RedisPayloadStoreOptions {
  // "redis://user:password@host:6379/0", "rediss://…" for TLS, "unix:///run/redis.sock?db=0".
  std::string url = "redis://localhost:6379/0";
  // Certificates to trust with rediss://, PEM; empty: the system's.
  std::string ca_file = {};
  // Put before each key. A Ruby application that shares the payloads has the same one.
  std::string prefix = "patient_http:payloads:";
  // When Redis throws a payload away by itself; none: never. A job that waits longer, or lies
  // longer among the dead, has then lost its data.
  std::optional<std::chrono::milliseconds> lifetime = std::nullopt;
  // For callbacks that Ruby runs, see "Callbacks that Ruby runs" in docs/payloads-and-secrets.md:
  // how long a second copy is kept under "<prefix>copy:<key>"; none: there is none. Takes the
  // memory twice, and Redis 6.2.
  std::optional<std::chrono::milliseconds> second_copy_lifetime = std::nullopt;
  // How long one command may take, with the bytes of the payload.
  std::chrono::milliseconds command_timeout = std::chrono::seconds(3);

  // Everything that is wrong, a sentence each; empty when all is well.
  [[nodiscard]] std::vector<std::string> validate() const;
};

// Keeps payloads in Redis or Valkey under "<prefix><key>", as the Redis store of the Ruby gem does.
// They are as durable as that server writes them to its disk. Several processes may share it. A
// payload has at most 512 MB.
//
// A server that is away, or refuses, is a failure; a payload is missing only when the server says
// so. No message holds the password or a payload.
//
// Thread safety: as PayloadStore demands. Connections are opened as threads need them.
class RedisPayloadStore final : public PayloadStore {
 public:
  // Connects once. Fails when an option is wrong, or the server cannot be reached or refuses.
  [[nodiscard]] static Result<std::unique_ptr<RedisPayloadStore>> open(
      const RedisPayloadStoreOptions& options);
  ~RedisPayloadStore() override;
  RedisPayloadStore(const RedisPayloadStore&) = delete;
  RedisPayloadStore& operator=(const RedisPayloadStore&) = delete;

  [[nodiscard]] Result<void> store(const std::string& key, std::string_view data) override;
  [[nodiscard]] Result<std::optional<std::string>> fetch(const std::string& key) override;
  [[nodiscard]] Result<void> remove(const std::string& key) override;
  [[nodiscard]] Result<bool> exists(const std::string& key) override;
  [[nodiscard]] bool keeps_copies() const override;
  // What is put back ends with its copy.
  [[nodiscard]] Result<bool> restore(const std::string& key) override;

 private:
  struct Impl;
  explicit RedisPayloadStore(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace patient_http
