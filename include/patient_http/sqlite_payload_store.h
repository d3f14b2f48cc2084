#pragma once

#include <memory>
#include <string>

#include "patient_http/payload_store.h"

namespace patient_http {

// Keeps payloads in an SQLite database of its own, with the table of the Ruby gem's database store.
// Stores that come at once share one wait for the disk. Several processes may share the file.
//
// Thread safety: as PayloadStore demands.
class SqlitePayloadStore final : public PayloadStore {
 public:
  // Makes the file, which only its user may read, when it is missing. Fails on a database of
  // another program, and on one of a later version; neither is touched.
  [[nodiscard]] static Result<std::unique_ptr<SqlitePayloadStore>> open(const std::string& path);
  ~SqlitePayloadStore() override;
  SqlitePayloadStore(const SqlitePayloadStore&) = delete;
  SqlitePayloadStore& operator=(const SqlitePayloadStore&) = delete;

  [[nodiscard]] Result<void> store(const std::string& key, std::string_view data) override;
  [[nodiscard]] Result<std::optional<std::string>> fetch(const std::string& key) override;
  [[nodiscard]] Result<void> remove(const std::string& key) override;
  [[nodiscard]] Result<bool> exists(const std::string& key) override;

 private:
  struct Impl;
  explicit SqlitePayloadStore(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace patient_http
