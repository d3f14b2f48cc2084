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

  // Where the output was when results were last noted.
  struct Position {
    std::uint64_t length = 0;
    std::string tail_sha256;  // of the last bytes before that; empty: not known
    bool is_new = true;       // nothing was noted yet
    bool is_fresh = false;    // whatever is there is to be overwritten
  };

  // Opens `path` ("-": standard output), locks it, and cuts it back to where it was: what is behind
  // that was appended, but not noted. Fails, with the file unchanged, when another process writes
  // to it, or when it is not the file that the results were written to.
  [[nodiscard]] RunResult<void> open(const std::string& path, const Position& position);

  // Appends, and waits until a regular file is on the disk if `sync`. When it fails, a regular file
  // is cut back to what it was.
  [[nodiscard]] RunResult<void> append(std::string_view bytes, bool sync);

  [[nodiscard]] std::uint64_t length() const { return length_; }
  // SHA-256 of the last bytes of the file; empty when it is not known.
  [[nodiscard]] std::string tail_sha256() const;

 private:
  [[nodiscard]] RunResult<void> check_file(const Position& position, std::uint64_t size);
  [[nodiscard]] RunResult<void> cut(std::uint64_t length);
  [[nodiscard]] std::string read_at(std::uint64_t offset, std::size_t size) const;

  int fd_ = -1;
  bool owns_fd_ = false;
  bool is_file_ = false;
  std::string path_;
  std::uint64_t length_ = 0;
  bool knows_tail_ = false;
  std::string tail_;  // the last bytes
};

}  // namespace patient_http::daemon
