#pragma once

#include <memory>
#include <string>

#include "patient_http/payload_store.h"

namespace patient_http {

// Keeps payloads as files "<directory>/<key>.json", as the file store of the Ruby gem does. What it
// writes only its user may read. Several processes may share the directory.
//
// A file is written under another name, flushed to the disk, and renamed: no reader ever sees a
// part of it, and a writer that dies or finds the disk full leaves what was there before.
//
// Thread safety: as PayloadStore demands.
class FilePayloadStore final : public PayloadStore {
 public:
  // Makes the directory, and those above it, when they are missing; what dead writers left is
  // removed when it is an hour old.
  [[nodiscard]] static Result<std::unique_ptr<FilePayloadStore>> open(const std::string& directory);

  [[nodiscard]] Result<void> store(const std::string& key, std::string_view data) override;
  [[nodiscard]] Result<std::optional<std::string>> fetch(const std::string& key) override;
  // The removal may be undone by a power cut.
  [[nodiscard]] Result<void> remove(const std::string& key) override;
  [[nodiscard]] Result<bool> exists(const std::string& key) override;

 private:
  explicit FilePayloadStore(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] std::string path_of(const std::string& key) const;

  std::string directory_;
};

}  // namespace patient_http
