#include "daemon/whole_file.h"

#include <fstream>
#include <sstream>
#include <utility>

namespace patient_http::daemon {

Result<std::string> read_whole_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  // Copying from the buffer, unlike reading with iterators, does not throw on a folder. An empty
  // file gives nothing to copy, which counts as a failure of `bytes` only.
  bytes << file.rdbuf();
  if (!file || file.bad()) return failure("cannot read " + path);
  file.peek();
  if (!file.eof()) return failure("cannot read " + path);
  return std::move(bytes).str();
}

}  // namespace patient_http::daemon
