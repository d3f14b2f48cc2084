#include "drivers/net/file_stamp.h"

#include <sys/stat.h>

namespace patient_http::net {

std::optional<FileStamp> FileStamp::of(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
  return FileStamp{.device = facts.st_dev,
                   .inode = facts.st_ino,
                   .size = facts.st_size,
                   .modified_seconds = facts.st_mtim.tv_sec,
                   .modified_nanoseconds = facts.st_mtim.tv_nsec};
}

}  // namespace patient_http::net
