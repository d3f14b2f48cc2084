#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace patient_http::net {

// What tells one state of a file from another without reading it.
struct FileStamp {
  // Of the file, following links; empty when it cannot be looked at.
  [[nodiscard]] static std::optional<FileStamp> of(const std::string& path);

  bool operator==(const FileStamp&) const = default;

  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_seconds = 0;
  std::int64_t modified_nanoseconds = 0;
};

}  // namespace patient_http::net
