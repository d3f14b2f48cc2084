#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "patient_http/result.h"

namespace patient_http::jobs {

// The sign that a process which has opened a database lives: a lock on a file of its own beside
// it, "<database>.process-<token>.lock" (mode 0600). The kernel frees the lock when the process
// ends, however it ends. A free lock, or no file, means dead.
//
// The lock belongs to the open descriptor (flock), so two of them in one process see each other.
// A forked child that does not exec keeps its parent's lock.
//
// Thread safety: one thread at a time. The destructor frees the lock and leaves the file.
class ProcessLock {
 public:
  // A new file under a random token of 16 hex digits.
  [[nodiscard]] static Result<ProcessLock> create(const std::string& database);

  // The lock of the process `token` if that is dead, empty if it lives. While it is held nobody
  // else takes that process for dead.
  [[nodiscard]] static Result<std::optional<ProcessLock>> take_if_dead(const std::string& database,
                                                                       std::string_view token);

  // Removes files of processes that died before they registered, or whose rescuer died: those
  // with a free lock and a token that is not in `registered`. What cannot be removed stays.
  static void remove_strays(const std::string& database, const std::set<std::string>& registered);

  ~ProcessLock();
  ProcessLock(ProcessLock&& other) noexcept;
  ProcessLock& operator=(ProcessLock&&) = delete;

  [[nodiscard]] const std::string& token() const { return token_; }

  // Makes the file again if somebody has removed it.
  [[nodiscard]] Result<void> restore();
  // Removes the file; the lock stays until the destructor.
  void remove_file();

 private:
  ProcessLock(std::string database, std::string token, int descriptor);

  std::string database_;
  std::string token_;
  int descriptor_;  // -1: there was no file
};

}  // namespace patient_http::jobs
