#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace patient_http::bench {

// How a program ended.
struct Ended {
  int exit_status = 0;  // 127: not found; negative: a signal
  std::string output;
  std::chrono::duration<double> cpu{};  // user and system
  double peak_mb = 0;                   // the most memory that it held
};

// Runs a program to its end. Its standard error is ours.
[[nodiscard]] Ended run_program(const std::vector<std::string>& command);

// A program that runs beside us, and dies with us.
class Companion {
 public:
  // Waits for the first line of its output. Throws std::runtime_error when there is none.
  explicit Companion(const std::vector<std::string>& command);
  // Ends it with SIGTERM.
  ~Companion();
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;

  [[nodiscard]] const std::string& first_line() const { return first_line_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  std::string first_line_;
};

// Runs `work` in a forked child, so that no case inherits the heap or the threads of an earlier
// one, and gives the numbers that it returned. Throws std::runtime_error when it failed. REQUIRES:
// the process has no other thread.
[[nodiscard]] std::vector<double> run_apart(const std::function<std::vector<double>()>& work);

}  // namespace patient_http::bench
