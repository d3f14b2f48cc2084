#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/run_failure.h"
#include "jobs/callback_job.h"

namespace patient_http::daemon {

// A line of output, with its line feed, for a request that has ended.
[[nodiscard]] std::string run_output_line(const jobs::CallbackJob& job);

// Where results go: a regular file whose length is known, or a pipe or terminal, to which the
// promise is weaker. Used by one thread.
class RunOutput {
 public:
  RunOutput() = default;
  ~RunOutput();
  RunOutput(const RunOutput&) = delete;
  RunOutput& operator=(const RunOutput&) = delete;

  // Opens `path` ("-": standard output), locks it, and cuts it back to `length`: what is behind
  // that was appended, but not remembered. Fails when it is shorter, or locked by another process.
  [[nodiscard]] RunResult<void> open(const std::string& path, std::uint64_t length);

  // Appends, and waits until a regular file is on the disk if `sync`.
  [[nodiscard]] RunResult<void> append(std::string_view bytes, bool sync);

  [[nodiscard]] std::uint64_t length() const { return length_; }

 private:
  int fd_ = -1;
  bool owns_fd_ = false;
  bool is_file_ = false;
  std::string path_;
  std::uint64_t length_ = 0;
};

}  // namespace patient_http::daemon
